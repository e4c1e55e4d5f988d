"""The pure rules of a store: no I/O, no clock, no randomness."""
