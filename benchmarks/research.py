"""The main job, timed: loading, asking, suggesting, researching. `./dev bench research` prints the table.

Each row is the median and the slowest of its repeats, in the server's own process, on an instance made for it.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from research_dashboard import create_app
from research_dashboard.queries.directory import suggest
from research_dashboard.services.database import prepare_database
from research_dashboard.services.runs import start_research
from research_dashboard.settings import Settings
from research_dashboard.worker import Worker


def timed(what: Callable[[int], object], repeats: int) -> list[float]:
    """Milliseconds of each repeat."""
    took = []
    for number in range(repeats):
        before = time.perf_counter()
        what(number)
        took.append((time.perf_counter() - before) * 1000)
    return took


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(settings=Settings(Path(folder), f"sqlite:///{folder}/research.db", "benchmark"))
        app.logger.disabled = True
        rows: list[tuple[str, list[float]]] = []
        with app.app_context():
            rows.append(("migrate and load the bundle", timed(lambda _: prepare_database(Path(folder)), 1)))
            rows.append(("prepare again: nothing to do", timed(lambda _: prepare_database(Path(folder)), 10)))
            suggest("warm")
            words = ("a", "mi", "app", "320", "zzz", "micro", "bank", "the")
            rows.append(("suggest while typing", timed(lambda n: suggest(words[n % len(words)]), 40)))
            worker = Worker(app)

            def ask(number: int) -> None:
                start_research("AAPL", "benchmark", options={"n": number})

            def research(number: int) -> None:
                start_research("AAPL", "benchmark", options={"m": number})
                worker.work()

            rows.append(("Apple, asked for to Completed, the first run of a worker", timed(research, 1)))
            rows.append(("Apple, asked for to Completed, later ones", timed(lambda n: research(n + 1), 10)))
            rows.append(("ask for research", timed(ask, 20)))
        print("| What | median ms | slowest ms |\n|--|--:|--:|")
        for name, took in rows:
            print(f"| {name} | {statistics.median(took):,.1f} | {max(took):,.1f} |")


if __name__ == "__main__":
    main()
