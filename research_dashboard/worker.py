"""Claims a waiting run and runs research/ on it, step by step; with queue.py the only places that know huey."""

import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import Flask
from sqlalchemy.exc import DBAPIError

from research_dashboard.base import trouble
from research_dashboard.extensions import db
from research_dashboard.logs import logger
from research_dashboard.memory import give_back
from research_dashboard.queue import queue_of
from research_dashboard.research.steps import STEPS, CannotResearch
from research_dashboard.services import leases, schedule
from research_dashboard.services.bulk_jobs import work_off_all
from research_dashboard.services.leases import Lease, LeaseLostError
from research_dashboard.services.notices import tell_ended
from research_dashboard.settings import Settings
from research_dashboard.tables.runs import Status

BEAT = 0.5  # seconds between two beats: a worker sees a request to cancel within that time
IDLE_BEAT = 2.0  # seconds between two beats while there is nothing to do
SWEEP = 1.0
CANCEL_BEAT = 0.1  # seconds between two beats while a run that was cancelled has not stopped
GRACE = 0.5  # seconds a step has to notice that it is cancelled, before the run is called Cancelled without it
GATHERING = 2  # the step that fetches, where data are live
REPORT = 0.2  # seconds between two notes of a step's progress
TROUBLE_PAUSE = 2.0  # seconds before a run is tried again that the database refused
CRASH = "crash"


class StoppedError(Exception):
    """The step is to stop: the run was cancelled, taken over, or the worker is told to end."""


@dataclass(slots=True)
class Job:
    """A run in one thread's hands."""

    lease: Lease
    stop: threading.Event = field(default_factory=threading.Event)
    cancelled_at: float | None = None  # monotonic


class Worker:
    """One worker process: threads that work, and a pulse that beats for all of them."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.settings: Settings = app.config["SETTINGS"]
        self.id = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"
        self.jobs: dict[str, Job] = {}
        self.ending = threading.Event()
        self.queue = queue_of(self.settings)

    def work(self) -> None:
        """Run what waits until nothing does."""
        with self.app.app_context():
            while not self.ending.is_set():
                lease = leases.claim(self.id)
                if lease is None:
                    break
                job = Job(lease)
                self.jobs[lease.token] = job
                try:
                    self.perform(job)
                finally:
                    del self.jobs[lease.token]
                self.tell()
        give_back()

    def clock(self) -> None:
        """Once a minute, and at the start: begin the watchlists that are due, start their runs, tell what has ended."""
        with self.app.app_context():
            try:
                schedule.tick(self.settings)
            except Exception as error:  # the next minute tries again
                logger.exception("clock_failed", error=str(error))

    def tell(self) -> None:
        """Tell of the watchlists' runs that have ended; the clock tells of what is missed here."""
        try:
            tell_ended()
        except DBAPIError as error:
            logger.warning("not_told", error=str(error))

    def perform(self, job: Job) -> None:
        """Run the steps that are left, checkpoint after each; every ending is written down with its reason."""
        from research_dashboard.research.pipeline import perform
        from research_dashboard.services.changes import since_last
        from research_dashboard.services.research import fetched, material, to_fetch

        lease, position = job.lease, job.lease.position
        log = logger.bind(run=lease.run_id)
        log.info("run_claimed", step=position)
        try:
            request, data = material(lease.run_id)
            for position in range(lease.position, len(STEPS) + 1):
                started = time.monotonic()
                progress = self.reporter(job, position)
                notes: Sequence[str] = ()
                if position == GATHERING and to_fetch(request):
                    request, data, notes = fetched(lease, request, progress, self.settings)
                outcome = perform(position, request, data, progress)
                if job.stop.is_set():
                    raise StoppedError
                changes = since_last(lease.run_id, outcome.results) if position == len(STEPS) else None
                leases.checkpoint(lease, position, outcome, notes=notes, changes=changes)
                log.info("step_completed", step=position, seconds=round(time.monotonic() - started, 3))
            log.info("run_completed", company=request.company.name)
        except (StoppedError, LeaseLostError):
            self.stopped(job)
        except CannotResearch as error:
            log.warning("run_failed", step=position, kind=error.kind)
            leases.fail(lease, position, error.kind, str(error))
        except Exception as error:
            found = trouble(error) if isinstance(error, DBAPIError) else None
            if found is not None:
                log.error("database_trouble", step=position, kind=found.kind, error=str(error))
                self.wait_and_release(lease, found.cause)
                return
            log.exception("run_crashed", step=position)
            leases.fail(lease, position, CRASH, _crash(error))

    def wait_and_release(self, lease: Lease, cause: str) -> None:
        """The database is full, locked or gone: what is written stands, and the run goes on when that has passed."""
        self.ending.wait(TROUBLE_PAUSE)
        try:
            leases.release(lease, cause.partition(";")[0].rstrip("."))
        except DBAPIError:
            logger.warning("not_released", run=lease.run_id)  # the lease will run out

    def reporter(self, job: Job, position: int) -> Any:
        """What a step calls to say how far it is; raises StoppedError when it is to stop."""
        written = time.monotonic()

        def progress(part: float, message: str) -> None:
            nonlocal written
            if job.stop.is_set():
                raise StoppedError
            if time.monotonic() - written >= REPORT:
                written = time.monotonic()
                leases.report(job.lease, position, part, message)

        return progress

    def stopped(self, job: Job) -> None:
        """A run that this worker no longer works on: cancelled, taken over, or handed back because the worker ends."""
        if leases.confirm_cancel(job.lease):
            logger.info("run_cancelled", run=job.lease.run_id)
        elif self.ending.is_set():
            leases.release(job.lease)
            logger.info("run_released", run=job.lease.run_id)
        else:
            logger.warning("lease_lost", run=job.lease.run_id)

    def pulse(self, parent: int | None) -> None:
        """Beat, hear of cancellations, sweep, watch the parent; until the worker ends."""
        beaten = swept = 0.0
        with self.app.app_context():
            while not self.ending.wait(self.pause()):
                if parent is not None and os.getppid() != parent:
                    os.kill(os.getpid(), signal.SIGTERM)
                try:
                    if self.jobs or time.monotonic() - beaten >= IDLE_BEAT:
                        beaten = time.monotonic()
                        self.beat()
                    if time.monotonic() - swept >= SWEEP:
                        swept = time.monotonic()
                        if leases.sweep() and not self.queue.waiting():
                            self.queue.wake()
                except Exception as error:  # a pulse that stops would lose every run: say it and go on
                    logger.error("pulse_failed", error=str(error))

    def pause(self) -> float:
        """Seconds until the next beat."""
        stopping = any(job.cancelled_at is not None for job in list(self.jobs.values()))
        return CANCEL_BEAT if stopping else BEAT

    def do_to_many(self) -> None:
        """Work off what was asked for many runs at once and was too much for the moment of asking."""
        with self.app.app_context():
            while not self.ending.wait(SWEEP):
                try:
                    work_off_all(self.ending.is_set)
                except Exception as error:  # its lease runs out, and it is gone on with
                    logger.exception("bulk_failed", error=str(error))
                    self.ending.wait(TROUBLE_PAUSE)

    def beat(self) -> None:
        """Hold the leases; tell the jobs that were cancelled or lost to stop."""
        jobs = dict(self.jobs)
        held = leases.beat(self.id, list(jobs), self.settings.research_threads)
        for token, job in jobs.items():
            status = held.get(token)
            if status == Status.RUNNING:
                continue
            job.stop.set()
            if status == Status.CANCELLING:
                job.cancelled_at = job.cancelled_at or time.monotonic()
                if time.monotonic() - job.cancelled_at >= GRACE and leases.confirm_cancel(job.lease):
                    job.cancelled_at = None  # told: its thread may hang on for a while
                    logger.warning("run_cancelled_without_its_step", run=job.lease.run_id)

    def run(self, parent: int | None = None) -> None:
        """Work until SIGTERM or SIGINT."""
        with self.app.app_context():
            leases.beat(self.id, [], self.settings.research_threads)
        pulse = threading.Thread(target=self.pulse, args=(parent,), name="pulse", daemon=True)
        consumer = self.queue.consumer(self.work, self.clock, self.settings.research_threads)
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: self.end(consumer))
        consumer._set_signal_handlers = lambda: None
        self.queue.wake()
        pulse.start()
        many = threading.Thread(target=self.do_to_many, name="many", daemon=True)
        many.start()
        logger.info("worker_started", worker=self.id, threads=self.settings.research_threads)
        consumer.run()
        for thread in (*(thread for _, thread in consumer.worker_threads), many):
            thread.join(timeout=5)
        with self.app.app_context():
            leases.leave(self.id)
            db.session.remove()
            db.engine.dispose()
        logger.info("worker_ended", worker=self.id)

    def end(self, consumer: Any) -> None:
        """Stop what runs at its next report, hand it back, and end."""
        self.ending.set()
        for job in list(self.jobs.values()):
            job.stop.set()
        consumer.stop_flag.set()


def _crash(error: Exception) -> str:
    return (
        f"An error in the program stopped this step ({type(error).__name__}: {error}). "
        "It is in the log with its traceback; run it again, and report it if it comes back."
    )
