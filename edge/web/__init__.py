"""The node's HTTP API and its pages."""
