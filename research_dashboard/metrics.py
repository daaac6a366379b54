"""What a monitor reads (Prometheus): this process's requests, and the record's own numbers, read when asked."""

import time
from collections.abc import Iterator

from flask import Flask, Response, current_app, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from sqlalchemy.exc import SQLAlchemyError

from research_dashboard.extensions import db, reading
from research_dashboard.queries import status, work
from research_dashboard.sources.limiter import limiter_of
from research_dashboard.tables.runs import Status

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

registry = CollectorRegistry()
REQUESTS = Counter(
    "research_dashboard_requests",
    "Requests answered by this process.",
    ("method", "endpoint", "status"),
    registry=registry,
)
LATENCY = Histogram(
    "research_dashboard_request_seconds",
    "Seconds a request took in this process.",
    ("endpoint",),
    buckets=SECONDS,
    registry=registry,
)


class Record:
    """The record's numbers: the same whichever process is asked, for they come from the database."""

    def collect(self) -> Iterator[Metric]:
        """Runs by status, the queue's depth, live workers, step times, calls to the SEC, the database's size."""
        yield CounterMetricFamily(
            "research_dashboard_sec_calls",
            "Requests sent to the SEC by every process on every machine.",
            limiter_of(current_app.config["SETTINGS"].instance, db.engine).calls(),
        )
        with reading() as session:
            waiting = work.waiting_and_working(session)
            yield GaugeMetricFamily(
                "research_dashboard_queue_depth", "Runs that wait for a worker.", waiting[Status.QUEUED]
            )
            runs = GaugeMetricFamily("research_dashboard_runs", "Runs on record.", labels=["status"])
            counts = status.runs_by_status(session)
            for state in Status:
                runs.add_metric([state], counts.get(state, 0))
            yield runs
            yield GaugeMetricFamily("research_dashboard_workers", "Worker processes alive.", len(work.workers(session)))
            steps = GaugeMetricFamily(
                "research_dashboard_step_usual_seconds", "Median seconds of a step.", labels=["step"]
            )
            for step, seconds in work.usual_seconds(session).items():
                steps.add_metric([step], seconds)
            yield steps
            yield GaugeMetricFamily(
                "research_dashboard_database_bytes", "Size of the database.", status.database(session).size or 0
            )


def exposition() -> bytes:
    """The text that Prometheus reads. A database that does not answer leaves out its numbers, not the requests'."""
    text = generate_latest(registry)
    try:
        record = CollectorRegistry()
        record.register(Record())
        return text + generate_latest(record)
    except SQLAlchemyError:
        return text


def init_app(app: Flask) -> None:
    """Time every request of the application."""

    def begin() -> None:
        g.began = time.perf_counter()

    def end(response: Response) -> Response:
        endpoint = request.endpoint or "none"
        method = request.method if request.method in METHODS else "other"  # anybody makes methods up, each one kept
        REQUESTS.labels(method, endpoint, response.status_code).inc()
        if "began" in g:
            LATENCY.labels(endpoint).observe(time.perf_counter() - g.began)
        return response

    app.before_request(begin)
    app.after_request(end)
