"""The reference headquarters: API, console and SQL."""
