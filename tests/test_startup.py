"""What is loaded when, so that starting stays quick: a command by its name, alembic, lark and pydantic by their use.

And how it ends: told once, all of it, in silence.
"""

import ipaddress
import signal
import socket
import subprocess
import sys

import psutil
import pytest
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.cli import COMMANDS, Lazily
from research_dashboard.serve import CannotServeError, check_free
from tests.faults.bench import free_port, server, until

LATE = ("alembic", "flask_migrate", "lark", "markdown_it", "nh3", "pydantic", "rapidfuzz", "spectree", "xlsxwriter")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(app: Flask, name: str) -> None:
    listed = app.cli.commands[name]
    assert isinstance(listed, Lazily)
    assert listed.real.help == listed.help


def test_an_application_that_only_lists_its_commands_loads_none_of_the_large_libraries() -> None:
    code = "import sys; from research_dashboard import create_app; create_app(); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in LATE if name in loaded] == []


def test_an_endpoint_is_loaded_by_its_first_call_and_stays_in_its_place(client: FlaskClient, app: Flask) -> None:
    assert client.get("/api/research_runs/").status_code == 200
    assert client.get("/api/openapi.json").get_json()["paths"]["/api/research_runs/"]["get"]["operationId"] == "runs"
    assert not hasattr(app.view_functions["api.runs"], "real")
    assert client.get("/api/research_runs/").status_code == 200


def test_a_hosts_name_is_listened_on_as_its_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(CannotServeError, match="taken by another program"):
            check_free("127.0.0.1", port)
    assert ipaddress.ip_address(check_free("localhost", port)).is_loopback
    with pytest.raises(CannotServeError, match="check HOST and PORT"):
        check_free("no-such-host.invalid", port)


def test_ctrl_c_ends_the_worker_too_and_nobody_calls_it_dead_or_starts_another(app: Flask) -> None:
    port = free_port()
    log = app.config["SETTINGS"].instance / "logs" / "research_dashboard.log"
    with server(app, port) as process, socket.create_connection(("127.0.0.1", port)) as slow:
        until(lambda: "worker_started" in log.read_text())
        slow.sendall(b"POST /theme HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n")  # and is waited for
        family = [process, *psutil.Process(process.pid).children(recursive=True)]
        for each in family:
            each.send_signal(signal.SIGINT)
        process.wait(30)
    said = log.read_text()
    assert said.count("worker_ended") == said.count("worker_started") == 1
    assert "worker_died" not in said


@pytest.mark.parametrize(("argument", "code", "said"), [("--help", 0, "HOST and PORT"), ("8001", 2, "unrecognized")])
def test_the_program_takes_no_arguments_and_says_what_it_goes_by(argument: str, code: int, said: str) -> None:
    program = [sys.executable, "-m", "research_dashboard.serve", argument]
    ran = subprocess.run(program, capture_output=True, text=True, check=False)
    assert (ran.returncode, said in ran.stdout + ran.stderr) == (code, True)
