"""A web process without a worker beside it: python -m tests.faults.web_only."""

import threading

from research_dashboard.serve import web

web()
threading.Event().wait()
