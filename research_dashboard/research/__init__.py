"""The research itself: pure functions on plain data. No Flask, no database, no network."""
