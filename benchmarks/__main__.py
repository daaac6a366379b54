"""`./dev bench`: every table, one benchmark after the other, each in a process and an instance of its own."""

import os
import subprocess
import sys
import tempfile

# The record is filled up to so many runs here; `./dev bench history` alone fills it up to a million.
BENCHES = (("footprint",), ("research",), ("pages",), ("api", "--rounds", "3"),
           ("watchers",), ("growth", "100000"), ("history", "100000"))  # fmt: skip


def main() -> int:
    """Run and print them all; a benchmark that fails is named at the end, and the others are still printed."""
    failed = []
    for name, *arguments in BENCHES:
        print(f"\n## {name}: `./dev bench {' '.join((name, *arguments))}`\n", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            environ = os.environ | {"RESEARCH_DASHBOARD_INSTANCE": folder}
            command = [sys.executable, "-m", f"benchmarks.{name}", *arguments]
            if subprocess.run(command, env=environ, check=False).returncode:
                failed.append(name)
    if failed:
        print(f"\nNot measured: {', '.join(failed)}")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
