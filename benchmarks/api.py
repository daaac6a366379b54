"""The API against a service of the seed's design: same machine, same rows, wrk in turn, medians of five rounds.

    ./dev bench api [--rounds 5] [--seconds 5]

FastAPI and uvicorn are installed into an environment of their own (.bench/); wrk comes from Debian's packages.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parent.parent
ROWS = 10_000
PEERS = ("fastapi", "uvicorn", "sqlalchemy")
STATUSES = ("Completed", "Failed", "Cancelled")
REPORT = """
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nJSON {"requests": %d, "microseconds": %d, "p99": %d, "errors": %d}\\n', summary.requests,
    summary.duration, latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
end
"""
CREATE = """
wrk.method = "POST"
wrk.body = '{"company": "Acme", "researcher": "ann", "duration_mins": 12.5, "status": "Completed", "insights": 7}'
wrk.headers["Content-Type"] = "application/json"
"""
OTHER_PAGES = """
local n = 0
request = function() n = n + 1; return wrk.format("GET", "/api/research_runs/?limit=100&skip=" .. (n * 37 % 9000)) end
"""


@dataclass(frozen=True)
class Load:
    """What wrk does: a name for the table, the path, connections, Lua."""

    name: str
    path: str
    connections: int
    script: str = ""


LOADS = (
    Load("list of 100, the same again", "/api/research_runs/?limit=100", 8),
    Load("list of 100, another page each time", "/api/research_runs/", 8, OTHER_PAGES),
    Load("read one run", "/api/research_runs/5", 8),
    Load("create, 16 writers", "/api/research_runs/", 16, CREATE),
    Load("create, 50 writers", "/api/research_runs/", 50, CREATE),
)


@dataclass(frozen=True)
class Service:
    """A service that runs, and its first process."""

    url: str
    process: psutil.Process

    def cpu(self) -> float:
        """Seconds of CPU that it and its children have used."""
        family = [self.process, *self.process.children(recursive=True)]
        return sum(times.user + times.system for times in (each.cpu_times() for each in family))


def rows() -> list[dict[str, Any]]:
    """The rows that both services hold."""
    return [
        {
            "company": f"Company {number % 977}",
            "researcher": "ann",
            "duration_mins": 1.5 + number % 50,
            "status": STATUSES[number % 3],
            "insights": number % 20,
        }
        for number in range(ROWS)
    ]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(command: list[str], port: int, folder: Path, **environment: str) -> Iterator["Service"]:
    """The service while it runs; its output goes to a file, as it would in earnest."""
    with (folder / "output.log").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env={**os.environ, **environment}, stdout=output, stderr=output, start_new_session=True
        )
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended:\n{(folder / 'output.log').read_text()[-2000:]}")
            try:
                urllib.request.urlopen(f"{url}/api/research_runs/?limit=1", timeout=5).read()
                break
            except OSError:
                time.sleep(0.25)
        yield Service(url, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(20)


def peer_python() -> Path:
    """The Python of the peers' own environment, made at the first time."""
    folder = ROOT / ".bench" / "venv"
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS], check=True)
    return python


def fill_seed(database: Path) -> None:
    """The rows, straight into the seed's table."""
    import sqlite3

    with sqlite3.connect(database) as connection:
        connection.executemany(
            "INSERT INTO research_runs (company, researcher, date, duration_mins, status, insights) "
            "VALUES (:company, :researcher, '2026-01-01 00:00:00.000000', :duration_mins, :status, :insights)",
            rows(),
        )
    connection.close()


def fill_ours(url: str) -> None:
    """The same rows, through our API in bulk."""
    body = json.dumps(rows()).encode()
    sent = urllib.request.Request(f"{url}/api/research_runs/bulk", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(sent, timeout=60).read()


def measure(service: Service, load: Load, seconds: int) -> dict[str, float]:
    """Requests a second, p99 and CPU of one request in milliseconds, errors."""
    before = service.cpu()
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(load.script + REPORT)
        script.flush()
        command = ["wrk", "-t2", f"-c{load.connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script.name]
        done = subprocess.run([*command, service.url + load.path], capture_output=True, text=True, check=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("JSON"))[5:])
    return {
        "rate": found["requests"] / (found["microseconds"] / 1e6),
        "p99": found["p99"] / 1000,
        "errors": found["errors"],
        "cpu": (service.cpu() - before) / found["requests"] * 1000,
    }


def table(measured: Mapping[str, Mapping[str, list[dict[str, float]]]]) -> str:
    """The medians, as Markdown: the seed's, then ours. CPU tells the two apart also on a machine that is busy."""
    lines = [
        "| what | requests/s | | ratio | p99, ms | | CPU a request, ms | | ratio | errors | |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| | seed | ours | | seed | ours | seed | ours | | seed | ours |",
    ]
    for load in LOADS:
        middle = {
            (who, what): statistics.median(each[what] for each in measured[load.name][who])
            for who in ("seed", "ours")
            for what in ("rate", "p99", "cpu")
        }
        errors = [int(sum(each["errors"] for each in measured[load.name][who])) for who in ("seed", "ours")]
        lines.append(
            f"| {load.name} | {middle['seed', 'rate']:,.0f} | {middle['ours', 'rate']:,.0f} "
            f"| {middle['ours', 'rate'] / middle['seed', 'rate']:.1f} "
            f"| {middle['seed', 'p99']:,.1f} | {middle['ours', 'p99']:,.1f} "
            f"| {middle['seed', 'cpu']:.2f} | {middle['ours', 'cpu']:.2f} "
            f"| {middle['seed', 'cpu'] / middle['ours', 'cpu']:.1f} | {errors[0]} | {errors[1]} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="The API against a service of the seed's design")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    python = peer_python()
    measured: dict[str, dict[str, list[dict[str, float]]]] = {load.name: {"seed": [], "ours": []} for load in LOADS}
    with tempfile.TemporaryDirectory() as scratch:
        folders = {who: Path(scratch, who) for who in ("seed", "ours")}
        for folder in folders.values():
            folder.mkdir()
        ports = {who: free_port() for who in folders}
        seed = [str(python), "-m", "uvicorn", "seed_service:app", "--port", str(ports["seed"]), "--app-dir"]
        database = folders["seed"] / "seed.db"
        ours = [str(ROOT / ".venv" / "bin" / "research-dashboard")]
        with (
            served(
                [*seed, str(ROOT / "benchmarks" / "peers")], ports["seed"], folders["seed"], DATABASE=str(database)
            ) as seed_service,
            served(
                ours, ports["ours"], folders["ours"], PORT=str(ports["ours"]),
                RESEARCH_DASHBOARD_INSTANCE=str(folders["ours"]),
            ) as our_service,
        ):  # fmt: skip
            fill_seed(database)
            fill_ours(our_service.url)
            for number in range(options.rounds):
                for load in LOADS:
                    for who, service in (("seed", seed_service), ("ours", our_service)):
                        measured[load.name][who].append(measure(service, load, options.seconds))
                print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    print(
        f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {ROWS:,} rows, medians of {options.rounds} rounds\n"
    )
    print(table(measured))


if __name__ == "__main__":
    main()
