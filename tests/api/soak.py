"""schemathesis against the program as it is served: many cases, a chunk at a time, each of a seed of its own.

    ./dev soak contract [--cases 10000] [--seed 1] [--state FILE] [--chunks 3]

With a state file what was done is written down after each chunk, and the next start goes on there. Every chunk prints a
line, the end the totals; exit code 1 when something was found.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from tests.faults.bench import ROOT, answers, free_port, until

FIRST = "examples,coverage"  # every boundary of the schema: the same cases whatever the seed, so once
THEN = ("fuzzing", "stateful")  # in turn: bodies and parameters at random, sequences of requests
EXAMPLES = 50  # of each operation in a chunk; sequences in a stateful one
CHUNK = 1800  # seconds after which a chunk is given up


@dataclass
class Done:
    """What was done so far, and what was found."""

    seed: int
    chunks: int = 0
    cases: int = 0
    seconds: float = 0.0
    findings: list[str] = field(default_factory=list)

    @property
    def totals(self) -> str:
        """In one line."""
        return f"{self.cases:,} cases in {self.chunks} chunks, {len(self.findings)} findings, {self.seconds:,.0f} s"


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The program with its worker and an empty record, in a folder of its own; its address."""
    port = free_port()
    environ = {**os.environ, "RESEARCH_DASHBOARD_INSTANCE": str(folder), "PORT": str(port), "HOST": "127.0.0.1"}
    with (folder / "output.log").open("wb") as log:
        command = [sys.executable, "-m", "research_dashboard.serve"]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=log, stderr=log)
    try:
        until(lambda: answers(port), 120)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(30)


def schemathesis(url: str, examples: int, seed: int, phases: str, folder: Path) -> tuple[int, str]:
    """All of schemathesis' checks against a server: how many cases, and its report when it finds something."""
    report = folder / "schemathesis.json"
    report.unlink(missing_ok=True)
    command = [
        Path(sys.executable).parent / "schemathesis",
        "--config-file", Path(__file__).parent / "schemathesis.toml",
        "run", f"{url}/api/openapi.json",
        "--checks", "all", "--phases", phases, "--max-examples", str(examples), "--seed", str(seed),
        "--no-color", "--continue-on-failure", "--report", "json", "--report-json-path", report,
    ]  # fmt: skip
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False, cwd=folder, timeout=CHUNK
    )
    cases = json.loads(report.read_text())["test_cases"]["generated"] if report.exists() else 0
    return cases, "" if done.returncode == 0 else done.stdout + done.stderr


def soak(cases: int, seed: int, state: Path | None = None, chunks: int = 10_000) -> Done:
    """Go on until there were so many cases, for so many chunks; what was done is printed, and kept in the state."""
    done = Done(seed)
    if state and state.exists():
        done = Done(**json.loads(state.read_text()))
        print(f"soak: going on after {done.totals}", flush=True)
    with tempfile.TemporaryDirectory() as scratch, served(Path(scratch)) as url:
        last = done.chunks + chunks
        while done.cases < cases and done.chunks < last:
            began, seed = time.monotonic(), done.seed + done.chunks
            phases = THEN[done.chunks % len(THEN)] if done.chunks else FIRST
            new, found = schemathesis(url, EXAMPLES, seed, phases, Path(scratch))
            done.chunks, done.cases = done.chunks + 1, done.cases + new
            done.seconds += time.monotonic() - began
            if found:
                done.findings.append(f"seed {seed}, {phases}\n{found}")
                print(found, flush=True)
            print(f"soak: seed {seed}, {phases}: {new:,} cases; in all {done.totals}", flush=True)
            if state:
                state.write_text(json.dumps(asdict(done)))
            if not new:
                break
    return done


def main() -> None:
    """Soak and print the totals."""
    parser = argparse.ArgumentParser(description="schemathesis against the program as it is served")
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", type=Path, help="a file: what was done, to go on from")
    parser.add_argument("--chunks", type=int, default=10_000, help="at most so many this time")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is ended, too
    done = soak(options.cases, options.seed, options.state, options.chunks)
    print(f"soak: {done.totals}; seeds {done.seed} to {done.seed + done.chunks - 1}")
    sys.exit(1 if done.findings or done.cases < options.cases else 0)


if __name__ == "__main__":
    main()
