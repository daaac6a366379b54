"""A real worker process in which one thing goes wrong: python -m tests.faults.faulty_worker FAULT STEP.

before, after   it is killed with SIGKILL before the step's work, or after it and before its checkpoint
inside          it is killed within the checkpoint's transaction
stuck           the step hangs and reports nothing, as a fetch does that waits for a dead server
slow            the step takes half a minute and reports as it goes
"""

import os
import signal
import sys
import time
from typing import Any

from research_dashboard import create_app
from research_dashboard.research import pipeline
from research_dashboard.services import leases
from research_dashboard.worker import Worker

real_perform, real_begin = pipeline.perform, leases.begin_step
fault, faulty_step = sys.argv[1], int(sys.argv[2])


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def perform(position: int, request: Any, data: Any, progress: Any) -> Any:
    if position != faulty_step:
        return real_perform(position, request, data, progress)
    if fault == "before":
        die()
    if fault == "stuck":
        time.sleep(30)
    if fault == "slow":
        for moment in range(300):
            time.sleep(0.1)
            progress(moment / 300, f"Fetching, {moment} of 300.")
    outcome = real_perform(position, request, data, progress)
    if fault == "after":
        die()
    return outcome


def begin(session: Any, run_id: int, position: int, now: Any) -> None:
    real_begin(session, run_id, position, now)
    if fault == "inside" and position == faulty_step + 1:
        session.flush()
        die()


pipeline.perform, leases.begin_step = perform, begin
Worker(create_app()).run()
