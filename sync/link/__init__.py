"""Carries the engine's messages: over HTTP, or in memory for tests."""
