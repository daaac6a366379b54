"""P15–P17 and D23: the log."""

import json
import logging
import multiprocessing
import re
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.logs import LogFile, escape, logger, set_up
from tests.api.test_records import RUN


def lines(app: Flask) -> list[str]:
    return Path(app.instance_path, "logs", "research_dashboard.log").read_text().splitlines()


def test_p15_a_line_has_time_name_level_and_message(app: Flask, client: FlaskClient) -> None:
    client.get("/api/research_runs/")
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z - research_dashboard - INFO - Fetched", lines(app)[-1])


def test_p16_a_call_says_what_was_created_or_fetched_with_filters(app: Flask, client: FlaskClient) -> None:
    answer = client.post("/api/research_runs/", json=RUN)
    assert "Created research run run_id=1 company=Acme" in lines(app)[-1]
    assert answer.headers["X-Request-ID"] in lines(app)[-1]
    client.get("/api/research_runs/?company=ac&status=Completed")
    assert "Fetched research runs number=1 company=ac status=Completed" in lines(app)[-1]


def test_p17_a_missing_run_is_a_warning(app: Flask, client: FlaskClient) -> None:
    client.get("/api/research_runs/77")
    assert " - WARNING - Research run not found run_id=77" in lines(app)[-1]


def test_d23_nobody_forges_a_line(app: Flask, client: FlaskClient) -> None:
    before = len(lines(app))
    client.get("/api/research_runs/?company=a%20INFO%20-%20b")
    logger.info("Said", text="one\ntwo\r\x1b[31m\u2028\u202e three=4")
    assert len(lines(app)) == before + 2
    assert lines(app)[-1].endswith(r'text="one\ntwo\r\x1b[31m\u2028\u202e three=4"')
    assert escape("a\nb") == r"a\nb"


def test_an_exception_stays_on_its_line(app: Flask) -> None:
    before = len(lines(app))
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logger.exception("Failed")
    logging.getLogger("research_dashboard.other").warning("a %s", "b\nc")
    assert len(lines(app)) == before + 2
    assert "ValueError" in lines(app)[-2]
    assert lines(app)[-1].endswith(r"research_dashboard.other - WARNING - a b\nc")


def test_json_lines_are_asked_for_by_a_setting(tmp_path: Path) -> None:
    set_up(tmp_path / "log", "json", console=False)
    logger.info("Said", number=5, text="ä\n")
    event = json.loads((tmp_path / "log").read_text())
    assert event | {"timestamp": ""} == {
        "event": "Said",
        "number": 5,
        "text": "ä\n",
        "level": "info",
        "logger": "research_dashboard",
        "timestamp": "",
    }


def _write(path: Path, name: str) -> None:
    handler = LogFile(path, max_bytes=20_000, keep=50, console=False)
    for number in range(500):
        handler.emit(logging.LogRecord(name, logging.INFO, "", 0, f"{name}-{number} {'x' * 50}", None, None))


def test_d23_the_log_rotates_and_several_processes_lose_no_line(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write, args=(tmp_path / "log", name)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    files = [path for path in tmp_path.iterdir() if path.suffix != ".lock"]
    assert len(files) > 3
    assert max(path.stat().st_size for path in files) < 25_000
    found = {line.split()[0] for path in files for line in path.read_text().splitlines()}
    assert found == {f"{name}-{number}" for name in "abc" for number in range(500)}


def test_a_log_that_is_closed_twice_closes_nobody_elses_file_and_the_next_line_opens_it_again(tmp_path: Path) -> None:
    handler = LogFile(tmp_path / "log", console=False)
    handler.close()
    with (tmp_path / "other").open("w") as other:  # has the closed file's number now
        handler.close()
        handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "later", None, None))
        other.write("whole")
    handler.close()
    assert (tmp_path / "other").read_text() == "whole"
    assert "later" in (tmp_path / "log").read_text()
