"""What the program takes: `flask --help`, a start, the memory of all its processes (`./dev bench footprint`)."""

import json
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

PROGRAMS = Path(sys.executable).parent


def help_takes(environment: dict[str, str]) -> float:
    """Seconds of processor time of `flask --help`, the application found."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [str(PROGRAMS / "flask"), "--app", "research_dashboard", "--help"]
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def memory(pid: int) -> float:
    """Megabytes (PSS) of a process and all that it started."""
    first = psutil.Process(pid)
    return sum(each.memory_full_info().pss for each in (first, *first.children(recursive=True))) / 1e6


def serve(environment: dict[str, str], label: str) -> None:
    """Start the server, research, fetch the PDF; print what it took."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.monotonic()
    command = [str(PROGRAMS / "research-dashboard")]
    process = subprocess.Popen(
        command, env=environment | {"PORT": str(port)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        assert process.stdout is not None
        process.stdout.readline()
        print(f"| {label}: seconds until it answers | {time.monotonic() - began:.2f} |")
        print(f"| {label}: MB at once | {memory(process.pid):.0f} |")
        body = json.dumps({"company": "AAPL"}).encode()
        asked = urllib.request.Request(f"{url}/api/research", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked) as answer:
            run = url + answer.headers["Location"]
        while json.loads(urllib.request.urlopen(run).read())["status"] != "Completed":
            time.sleep(0.1)
        urllib.request.urlopen(f"{url}/runs/{run.rpartition('/')[2]}/report.pdf").read()
        print(f"| {label}: MB after a report in PDF | {memory(process.pid):.0f} |")
    finally:
        process.terminate()
        process.wait()


def main() -> None:
    """Measure and print."""
    print("| What | measured |\n|--|--:|")
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"RESEARCH_DASHBOARD_INSTANCE": folder}
        took = sorted(help_takes(environment) for _ in range(5))
        print(f"| `flask --help`: seconds of processor time, median of 5 | {took[2]:.2f} |")
        serve(environment, "first start")
        serve(environment, "second start")


if __name__ == "__main__":
    main()
