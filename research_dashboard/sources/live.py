"""One company from the SEC's APIs: its identity and filings (submissions), its filed figures (companyfacts)."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from research_dashboard.base import utcnow
from research_dashboard.sources.companyfacts import NotCompanyFacts, Row
from research_dashboard.sources.raw import Answer, figures_in, keep_raw, raw_folder
from research_dashboard.sources.sec import LATER, Note, SecClient, SecError
from research_dashboard.sources.submissions import FilingRow, Identity, read_filings, read_identity

FOREIGN = ("20-F", "40-F", "6-K")
ABSENT = frozenset({"not_found", "no_xbrl", "foreign_filer"})  # the SEC has nothing: that holds for a while
QUARTER = re.compile(r"20\d\dq[1-4]")
OTHER = "Choose a company that files annual reports with figures (10-K, 20-F or 40-F with XBRL)."

Progress = Callable[[float, str], None]  # part done, 0 to 1, and what is being fetched


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the SEC says of a company. `identity` is None where only figures were asked for."""

    cik: int
    identity: Identity | None
    filings: Mapping[str, FilingRow]
    facts: Sequence[Row]
    answers: Sequence[Answer]
    malformed: Sequence[str] = ()  # tags of facts that were left out, each once


def fetch(client: SecClient, cik: int, progress: Progress, *, name: str | None = None, profile: bool = True) -> Fetched:
    """Fetch a company, called `name`: one request, or two with its `profile`. Raises SecError."""
    name = name or f"CIK {cik}"
    identity: Identity | None = None
    filings: Mapping[str, FilingRow] = {}
    answers: list[Answer] = []
    forms: set[str] | None = None  # of its filings, where they were asked for
    if profile:
        what = f"the filings of {name}"
        url = f"{client.access.data_url}/submissions/CIK{cik:010}.json"
        body, answer = client.get_json(url, what, _noted(progress, 0.0, what))
        identity, filings = _profile(answer, cik, what)
        forms = {filing.form for filing in filings.values()}
        answers.append(keep_raw(raw_folder(client.access.instance, cik), "submissions", body))
    name = identity.name if identity else name
    what = f"the figures of {name}"
    url = f"{client.access.data_url}/api/xbrl/companyfacts/CIK{cik:010}.json"
    try:
        body, answer = client.get_json(url, what, _noted(progress, 0.5 if profile else 0.0, what))
    except SecError as error:
        if error.kind == "not_found":
            raise _without_figures(name, forms) from None
        raise
    answers.append(keep_raw(raw_folder(client.access.instance, cik), "companyfacts", body))
    malformed: list[str] = []
    facts = _figures(answer, cik, what, malformed.append)
    if not facts and malformed:
        raise SecError("invalid", f"The SEC's answer is not what it should be: {what} are malformed.", LATER)
    if not facts:
        raise _without_figures(name, forms)
    return Fetched(cik, identity, filings, facts, answers, tuple(dict.fromkeys(malformed)))


def fetch_profile(
    client: SecClient, cik: int, progress: Progress, *, name: str
) -> tuple[Identity, Sequence[FilingRow]]:
    """Who a company is and what it filed, by one request: its answer is kept, and marked as of now. Raises SecError."""
    what = f"the filings of {name}"
    url = f"{client.access.data_url}/submissions/CIK{cik:010}.json"
    body, answer = client.get_json(url, what, _noted(progress, 0.0, what))
    identity, filings = _profile(answer, cik, what)
    keep_raw(raw_folder(client.access.instance, cik), "submissions", body)
    return identity, list(filings.values())


def has_profile(instance: Path, cik: int, since: datetime) -> bool:
    """Whether the SEC's submissions of a company are kept here, told by the SEC since then."""
    asked = (path.stat().st_mtime for path in raw_folder(instance, cik).glob("submissions.*.json.gz"))
    return max(asked, default=0.0) >= since.timestamp()


def _noted(progress: Progress, begun: float, what: str) -> Note:
    """Progress in bytes: fetching the figures of Apple Inc. (0.1 of 0.3 MB)."""

    def note(done: int, total: int | None) -> None:
        size = f"{done / 1e6:.1f} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"
        progress(begun + (0.5 * min(done / total, 1.0) if total else 0.0), f"Fetching {what} ({size})")

    return note


def _profile(answer: Any, cik: int, what: str) -> tuple[Identity, Mapping[str, FilingRow]]:
    try:
        identity, filings = read_identity(answer), read_filings(answer)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise SecError("invalid", f"The SEC's answer is not what it should be: {what} lack {error}.", LATER) from None
    if identity.cik != cik:
        raise SecError("invalid", f"The SEC answered for CIK {identity.cik} when asked for {what}.", LATER)
    return identity, filings


def _figures(answer: Any, cik: int, what: str, malformed: Callable[[str], None]) -> Sequence[Row]:
    """The facts of an answer that research reads; `malformed` hears of those left out. Raises SecError."""
    try:
        return figures_in(answer, cik, malformed)
    except NotCompanyFacts as error:
        raise SecError("invalid", f"The SEC's answer is not what it should be: {what}. {error}", LATER) from None


def _without_figures(name: str, forms: set[str] | None) -> SecError:
    """Why there are no figures, as far as it is known: `forms` are those of its filings, None if not asked for."""
    if forms is None:
        why = f"The SEC has no figures under the CIK of {name}; its filings were not asked for, so the cause is open."
        return SecError("not_found", why, OTHER)
    if forms & set(FOREIGN) and not any(form.startswith("10-K") for form in forms):
        return SecError("foreign_filer", f"{name} is a foreign filer whose reports hold no figures (no XBRL).", OTHER)
    return SecError("no_xbrl", f"{name} files no figures with the SEC (no XBRL).", OTHER)


def keep_absence(instance: Path, cik: int, error: SecError) -> None:
    """Remember that the SEC has no figures of a company, and when it said so."""
    folder = raw_folder(instance, cik)
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / "absent.part"
    said = {"kind": error.kind, "message": error.message, "cure": error.cure, "at": utcnow().isoformat()}
    part.write_text(json.dumps(said))
    part.replace(folder / "absent.json")


def kept_absence(instance: Path, cik: int, since: datetime) -> SecError | None:
    """What the SEC said instead of figures, if that was since then."""
    try:
        said = json.loads((raw_folder(instance, cik) / "absent.json").read_text())
        found = SecError(said["kind"], said["message"], said["cure"])
        return found if datetime.fromisoformat(said["at"]) >= since else None
    except (OSError, ValueError, KeyError, TypeError):  # never said, or not readable: it is asked anew
        return None


def fetch_data_set(client: SecClient, quarter: str, note: Note = lambda done, total: None) -> Path:
    """Download a quarterly data set (2026q1) into INSTANCE/raw; one that is there already is not fetched again."""
    if not QUARTER.fullmatch(quarter):
        raise SecError("unexpected", f"{quarter} is no quarter.", "Give year and quarter: 2026q1.")
    path = client.access.instance / "raw" / f"{quarter}.zip"
    if not path.exists():
        url = f"{client.access.www_url}/files/dera/data/financial-statement-data-sets/{quarter}.zip"
        client.download(url, path, f"the data set {quarter}", note)
    return path
