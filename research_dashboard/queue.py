"""The huey object and wake(): with worker.py the only places that know huey."""
