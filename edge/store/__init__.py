"""Catalog and ledger on SQLite, with one writer."""
