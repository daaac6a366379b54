"""People who watch runs, all at once: `./dev bench watchers [N …]` (default: 10 50 100 250 500).

Each asks for the run's partial as its page does while a run takes longer than 15 s: every 2 s, over a connection that
stays open, with the ETag it was given (PAUSE=1 in the environment: every second, as between 3 and 15 s). Twenty runs
are watched; one of them moves every half second, so that some answers are new and most are 304.
Latency is measured in the client, which shares the machine.
"""

import asyncio
import itertools
import os
import platform
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.growth import exponent
from research_dashboard import create_app
from research_dashboard.services import leases
from research_dashboard.services.database import prepare_database
from research_dashboard.services.leases import Lease
from research_dashboard.services.runs import start_research
from research_dashboard.settings import Settings
from tests.browser.program import program

RUNS = 20
SECONDS = 12
PAUSE = float(os.environ.get("PAUSE", "2"))  # seconds between two looks


@contextmanager
def going(folder: Path) -> Iterator[list[Lease]]:
    """Runs of the built-in research that this process holds, as a worker would, and that go on without an end."""
    app = create_app({"TESTING": True}, Settings(folder, f"sqlite:///{folder}/research.db", "bench"))
    ending = threading.Event()
    with app.app_context():
        prepare_database(folder)
        for number in range(RUNS):
            start_research("AAPL", "bench", options={"n": number})
        held = [lease for lease in (leases.claim("bench") for _ in range(RUNS)) if lease]

    def hold() -> None:
        with app.app_context():
            for number in itertools.count():
                if ending.wait(0.5):
                    return
                leases.beat("bench", [lease.token for lease in held])
                leases.report(held[number % RUNS], 1, number % 100 / 100, f"part {number}")

    thread = threading.Thread(target=hold)
    thread.start()
    yield held
    ending.set()
    thread.join()


async def look(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, run: int, tag: str
) -> tuple[int, str, float]:
    """One look at the run's progress: status, ETag, seconds."""
    condition = f"If-None-Match: {tag}\r\n" if tag else ""
    began = time.perf_counter()
    writer.write(f"GET /runs/{run} HTTP/1.1\r\nHost: localhost\r\nHX-Request: true\r\n{condition}\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
    headers = {name.lower(): value for name, value in lines.items()}
    status = int(head.split(" ", 2)[1])
    if status != 304:
        await reader.readexactly(int(headers["content-length"]))
    return status, headers.get("etag", tag), time.perf_counter() - began


async def watch(port: int, run: int, start: float, until: float, seen: list[tuple[int, float]]) -> None:
    """Watch one run until it is over."""
    await asyncio.sleep(start)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    tag = ""
    while time.monotonic() < until:
        status, tag, seconds = await look(reader, writer, run, tag)
        seen.append((status, seconds))
        await asyncio.sleep(PAUSE)
    writer.close()


async def crowd(url: str, ids: list[int], people: int) -> list[tuple[int, float]]:
    """So many people watch; they come within one round of looks, as people do."""
    port = int(url.rpartition(":")[2])
    seen: list[tuple[int, float]] = []
    until = time.monotonic() + SECONDS
    looks = [watch(port, ids[n % RUNS], PAUSE * n / people, until, seen) for n in range(people)]
    await asyncio.gather(*looks)
    return seen


def main(sizes: list[int]) -> None:
    """Measure and print."""
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, SQLite, one web process; "
          f"a look every {PAUSE:g} s\n")  # fmt: skip
    print("| People | looks a second | median ms | p95 ms | slowest ms | answers |\n|--:|--:|--:|--:|--:|--|")
    late: dict[int, float] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        going(Path(folder) / "instance") as held,
        program(Path(folder)) as url,
    ):
        ids = [lease.run_id for lease in held]
        for people in sizes:
            seen = asyncio.run(crowd(url, ids, people))
            took = sorted(seconds * 1000 for _, seconds in seen)
            late[people] = statistics.quantiles(took, n=20)[-1]
            answers = ", ".join(f"{number} × {status}" for status, number in Counter(s for s, _ in seen).most_common())
            print(
                f"| {people} | {len(seen) / SECONDS:.0f} | {statistics.median(took):.1f} | {late[people]:.1f} "
                f"| {took[-1]:.1f} | {answers} |",
                flush=True,
            )
    if len(late) > 1:
        print(f"\np95 grows with people to the power {exponent(late):.2f}")


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [10, 50, 100, 250, 500])
