"""Claims a waiting run and runs research/ on it, step by step; with queue.py the only places that know huey."""
