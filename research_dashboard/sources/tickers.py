"""The SEC's index of tickers, company_tickers.json: every listed company by name, ticker and CIK."""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from research_dashboard.sources.bundled import Listed
from research_dashboard.sources.raw import Answer, keep_raw
from research_dashboard.sources.sec import LATER, Note, SecClient, SecError

NAME = "company_tickers.json"
WHAT = "the index of tickers"


def fetch_tickers(client: SecClient, note: Note) -> tuple[Sequence[Listed], Answer]:
    """The index as it is now, in the SEC's order, and its answer as it was kept: one request. Raises SecError."""
    body, answer = client.get_json(f"{client.access.www_url}/files/{NAME}", WHAT, note)
    try:
        rows = read_tickers(answer)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SecError("invalid", f"The SEC's answer is not what it should be: {WHAT} ({error!r}).", LATER) from None
    return rows, keep_raw(client.access.instance / "raw", "company_tickers", body)


def read_tickers(answer: Any) -> Sequence[Listed]:
    """The rows of an answer, {"0": {"cik_str", "ticker", "title"}, …}. Raises what a wrong shape does."""
    rows = [
        Listed(int(row["cik_str"]), row["ticker"].strip().upper(), None, row["title"].strip())
        for row in answer.values()
    ]
    for row in rows:
        if not (0 < row.cik < 10**10 and row.ticker and row.name):
            raise ValueError(f"CIK {row.cik}, ticker {row.ticker!r}, name {row.name!r}")
    if not rows:
        raise ValueError("it is empty")
    return rows


def failed_since(instance: Path, since: datetime) -> bool:
    """True when the index was asked for in vain since then, by whichever process."""
    try:
        return _mark(instance).stat().st_mtime >= since.timestamp()
    except OSError:
        return False


def keep_failure(instance: Path) -> None:
    """Remember that the index could not be had just now."""
    mark = _mark(instance)
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _mark(instance: Path) -> Path:
    return instance / "raw" / "company_tickers.failed"


def until(deadline: Callable[[], bool]) -> Note:
    """A note of progress that gives up an answer which trickles in beyond the deadline."""

    def note(done: int, total: int | None) -> None:
        if deadline():
            raise SecError("unreachable", f"The SEC's answer takes too long: {WHAT}.", LATER)

    return note
