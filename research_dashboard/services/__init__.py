"""Use cases, verbs; they alone commit."""
