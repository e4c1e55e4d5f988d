"""One file a revision, forward only, never edited after its release."""
