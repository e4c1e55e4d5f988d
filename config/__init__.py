"""The node's settings: schema, loader, defaults and where each value came from."""
