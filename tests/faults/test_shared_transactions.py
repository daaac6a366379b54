"""Writers share transactions (docs/decisions/0013): what was acknowledged outlives kill -9, nothing is doubled."""

import http.client
import json
import random
import sqlite3
import threading
import time
from collections import Counter
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from flask import Flask

from tests.faults.bench import answers, free_port, server, until

WRITERS = 16


class Writer(threading.Thread):
    """Posts one run after the other, each with a name and a key of its own, until nobody answers."""

    def __init__(self, port: int, name: str) -> None:
        super().__init__(name=name)
        self.port, self.acknowledged = port, dict[str, int]()  # ids by company
        self.unanswered = ""  # the company that was under way when the server was gone

    def run(self) -> None:
        with connected(self.port) as connection:
            for number in range(1_000_000):
                company = f"{self.name}-{number}"
                try:
                    self.acknowledged[company] = post(connection, company)
                except (OSError, http.client.HTTPException):
                    self.unanswered = company
                    return


def connected(port: int) -> AbstractContextManager[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30))


def post(connection: http.client.HTTPConnection, company: str) -> int:
    """The id of a run that is acknowledged."""
    run = {"company": company, "researcher": "load", "duration_mins": 1, "status": "Completed", "insights": 0}
    headers = {"Content-Type": "application/json"}
    if company.endswith(("0", "2", "4", "6", "8")):  # with a key the run shares no transaction: half of them do
        headers["Idempotency-Key"] = company
    connection.request("POST", "/api/research_runs/", json.dumps(run), headers)
    answer = connection.getresponse()
    stored = json.loads(answer.read())
    assert answer.status == 201, stored
    return int(stored["id"])


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "kills", [2, pytest.param(25, marks=(pytest.mark.soak, pytest.mark.timeout(3600)))], ids=["sample", "soak"]
)
def test_16_writers_and_a_server_killed_amid_them_lose_and_double_nothing(app: Flask, kills: int) -> None:
    chance, port = random.Random(kills), free_port()
    acknowledged: dict[str, int] = {}
    again: list[str] = []
    for kill in range(kills):
        with server(app, port) as process:
            with connected(port) as connection:
                for company in again:  # what had no answer is sent again: with a key it is done once
                    acknowledged[company] = post(connection, company)
            writers = [Writer(port, f"k{kill}-w{number}") for number in range(WRITERS)]
            for writer in writers:
                writer.start()
            until(lambda writers=writers: all(writer.acknowledged for writer in writers))  # type: ignore[misc]
            time.sleep(chance.random() / 2)
            process.kill()
            for writer in writers:
                writer.join()
        until(lambda: not answers(port))
        for writer in writers:
            acknowledged |= writer.acknowledged
        again = [writer.unanswered for writer in writers if writer.unanswered.endswith(("0", "2", "4", "6", "8"))]
    with closing(sqlite3.connect(Path(app.instance_path, "research.db"))) as connection:
        rows = connection.execute("SELECT id, company FROM research_runs").fetchall()
        audited = connection.execute("SELECT count(*) FROM audit_events WHERE action = 'run.log'").fetchone()[0]
        counted = connection.execute("SELECT sum(runs) FROM run_counts WHERE kind = 'month'").fetchone()[0]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    stored = {company: run_id for run_id, company in rows}
    assert stored.items() >= acknowledged.items(), "a run that was acknowledged is not there"
    assert [company for company, number in Counter(company for _, company in rows).items() if number > 1] == []
    assert len(rows) - len(acknowledged) <= kills * WRITERS, "stored, but its answer was lost with the server"
    assert (audited, counted) == (len(rows), len(rows)), "a run, its line in the audit and its count are one"
    print(
        f"\n  soak: {kills} kills amid {WRITERS} writers, {len(acknowledged):,} runs acknowledged, 0 missing, 0 doubled"
    )
