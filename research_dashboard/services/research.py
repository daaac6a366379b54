"""Bridges the worker and research/: what a run's row says becomes a Request, what the database holds becomes Data."""
