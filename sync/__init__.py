"""Everything between a node and HQ; knows nothing of the store or of devices."""
