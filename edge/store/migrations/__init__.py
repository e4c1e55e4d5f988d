"""Numbered steps of the ledger's schema, as SQL text; forward only."""
