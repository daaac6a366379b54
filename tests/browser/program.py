"""Start the whole program on a free port, as ./dev run does; for the browser tests and the screenshots."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 90
CHROMIUM_FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Return when the server answers; raise with its output when it died or takes too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start:\n{log.read_text()}")


@contextmanager
def program(folder: Path, **settings: str) -> Iterator[str]:
    """The address of the running program, whose instance is in the folder; `settings` are environment variables."""
    port, log = free_port(), folder / "output.txt"
    environ = {k: v for k, v in os.environ.items() if not k.startswith("RESEARCH_DASHBOARD_")}
    environ |= {"HOST": "127.0.0.1", "PORT": str(port), "RESEARCH_DASHBOARD_INSTANCE": str(folder / "instance")}
    environ |= settings
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "research_dashboard.serve"], env=environ, stdout=output, stderr=output
        )
    try:
        wait_until_up(f"http://127.0.0.1:{port}/healthz", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
