"""The store's business: from a scan to a decision, its commit and its effects."""
