"""Measurements, made by ./dev bench; their numbers stand in docs/benchmarks.md."""
