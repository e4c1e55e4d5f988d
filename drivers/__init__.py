"""Devices as addresses; knows nothing of the store or of HQ."""
