"""Push, pull and backoff as values; time is an argument."""
