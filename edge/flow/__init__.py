"""The use cases of a store, one verb a file."""
