"""The API against a service of the seed's design and Datasette: same machine, same rows, wrk in turn, medians.

    ./dev bench api [--rounds 5] [--seconds 5]

FastAPI with uvicorn, and Datasette, are installed into environments of their own (.bench/); wrk comes from Debian's
packages. Datasette serves the seed's database file, read only, so that it has no part in what writes.
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
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parent.parent
ROWS = 10_000
PEERS = {"venv": ("fastapi", "uvicorn", "sqlalchemy"), "datasette": ("datasette",)}
WHO = ("seed", "datasette", "ours")
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
request = function() n = n + 1; return wrk.format("GET", "%s" .. (n * 37 %% 9000)) end
"""
API = "/api/research_runs/"
DATASETTE = "/seed/research_runs"  # the file seed.db, its table


@dataclass(frozen=True)
class Load:
    """What wrk does: a name for the table, the path, Datasette's for the same ("": it cannot), connections, Lua."""

    name: str
    path: str
    in_datasette: str
    connections: int
    script: str = ""

    def at(self, who: str) -> str:
        """Its path there; empty where it cannot be asked for."""
        return self.in_datasette if who == "datasette" else self.path


LOADS = (
    Load("list of 100, the same again", f"{API}?limit=100", f"{DATASETTE}.json?_shape=array&_size=100", 8),
    Load(
        "list of 100, another page each time", f"{API}?limit=100&skip=",
        f"{DATASETTE}.json?_shape=array&_size=100&_next=", 8, OTHER_PAGES,
    ),
    Load("read one run", f"{API}5", f"{DATASETTE}/5.json?_shape=array", 8),
    Load("create, 16 writers", API, "", 16, CREATE),
    Load("create, 50 writers", API, "", 50, CREATE),
)  # fmt: skip


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
def served(command: list[str], port: int, folder: Path, asked: str, **environment: str) -> Iterator["Service"]:
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
                urllib.request.urlopen(url + asked, timeout=5).read()
                break
            except OSError:
                time.sleep(0.25)
        yield Service(url, psutil.Process(process.pid))
    finally:
        process.terminate()
        process.wait(20)


def peer_python(name: str) -> Path:
    """The Python of a peer's own environment, made at the first time."""
    folder = ROOT / ".bench" / name
    python = folder / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)
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


def measure(service: Service, load: Load, path: str, seconds: int) -> dict[str, float]:
    """Requests a second, p99 and CPU of one request in milliseconds, errors."""
    before = service.cpu()
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write((load.script % path if load.script == OTHER_PAGES else load.script) + REPORT)
        script.flush()
        command = ["wrk", "-t2", f"-c{load.connections}", f"-d{seconds}s", "--timeout", "10s", "-s", script.name]
        done = subprocess.run([*command, service.url + path], capture_output=True, text=True, check=True)
    found = json.loads(next(line for line in done.stdout.splitlines() if line.startswith("JSON"))[5:])
    return {
        "rate": found["requests"] / (found["microseconds"] / 1e6),
        "p99": found["p99"] / 1000,
        "errors": found["errors"],
        "cpu": (service.cpu() - before) / found["requests"] * 1000,
    }


def table(measured: Mapping[str, Mapping[str, list[dict[str, float]]]]) -> str:
    """The medians, as Markdown: the seed's, Datasette's, ours. CPU tells them apart also on a machine that is busy."""
    three = " | ".join(WHO)
    lines = [
        "| what | requests/s | | | times the seed | p99, ms | | | CPU a request, ms | | | errors | | |",
        f"| --- |{' ---: |' * 13}",
        f"| | {three} | ours | {three} | {three} | {three} |",
    ]
    for load in LOADS:
        found = measured[load.name]

        def middle(what: str, form: str, found: Mapping[str, list[dict[str, float]]] = found) -> str:
            numbers = [statistics.median(each[what] for each in found[who]) if found[who] else None for who in WHO]
            return " | ".join("–" if number is None else format(number, form) for number in numbers)

        rate = {who: statistics.median(each["rate"] for each in found[who]) for who in ("seed", "ours")}
        errors = " | ".join(f"{sum(each['errors'] for each in found[who]):.0f}" if found[who] else "–" for who in WHO)
        lines.append(
            f"| {load.name} | {middle('rate', ',.0f')} | {rate['ours'] / rate['seed']:.1f} "
            f"| {middle('p99', ',.1f')} | {middle('cpu', '.2f')} | {errors} |"
        )
    return "\n".join(lines)


@contextmanager
def services(scratch: Path) -> Iterator[dict[str, Service]]:
    """All three while they run, with the same rows in each."""
    folders = {who: scratch / who for who in WHO}
    for folder in folders.values():
        folder.mkdir()
    ports = {who: str(free_port()) for who in WHO}
    database, peers = folders["seed"] / "seed.db", str(ROOT / "benchmarks" / "peers")
    commands = {
        "seed": [str(peer_python("venv")), "-m", "uvicorn", "seed_service:app", "--app-dir", peers],
        "datasette": [str(peer_python("datasette")), "-m", "datasette", "serve", str(database)],
    }
    instance = {"PORT": ports["ours"], "RESEARCH_DASHBOARD_INSTANCE": str(folders["ours"])}
    with ExitStack() as stack:
        made = {}
        for who in WHO:
            command = commands.get(who, [str(ROOT / ".venv" / "bin" / "research-dashboard")])
            command = [*command, "--port", ports[who]] if who in commands else command
            asked = "/-/versions.json" if who == "datasette" else f"{API}?limit=1"
            environment = {"DATABASE": str(database)} if who == "seed" else instance if who == "ours" else {}
            made[who] = stack.enter_context(served(command, int(ports[who]), folders[who], asked, **environment))
            if who == "seed":
                fill_seed(database)
        fill_ours(made["ours"].url)
        yield made


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="The API against a service of the seed's design, and Datasette")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5)
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    measured: dict[str, dict[str, list[dict[str, float]]]] = {load.name: {who: [] for who in WHO} for load in LOADS}
    with tempfile.TemporaryDirectory() as scratch, services(Path(scratch)) as running:
        for number in range(options.rounds):
            for load in LOADS:
                for who in (each for each in WHO if load.at(each)):
                    measured[load.name][who].append(measure(running[who], load, load.at(who), options.seconds))
            print(f"round {number + 1} of {options.rounds} done", file=sys.stderr)
    print(
        f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {ROWS:,} rows, medians of {options.rounds} rounds\n"
    )
    print(table(measured))


if __name__ == "__main__":
    main()
