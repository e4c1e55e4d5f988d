"""Revisions of the hub's database, run when it is opened."""
