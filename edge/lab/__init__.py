"""Demo, tour and bench: they start the product's own commands and drive them from outside."""
