"""The SEC's index of tickers, fetched when a name is asked for that nobody here knows, at most once a day."""

import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import outside_transactions, reading, writing
from research_dashboard.logs import logger
from research_dashboard.models import Company, DataLoad, Source, Ticker
from research_dashboard.queries.companies import TICKERS, tickers_load
from research_dashboard.queries.directory import core_words, directory, plain_words
from research_dashboard.queries.preferences import sec_contact
from research_dashboard.services.companies import CompanyError, UnknownCompany, clean, find
from research_dashboard.services.loads import list_companies, start_load
from research_dashboard.settings import Settings
from research_dashboard.sources.bundled import Listed

FRESH = timedelta(hours=24)
AGAIN = timedelta(minutes=10)  # after a failure nobody who waits for a page asks the SEC again for so long
HURRY = 2.0  # seconds without a byte after which somebody who waits for a page is not kept waiting
LONGEST = 5.0  # seconds for the whole answer then
_one = threading.Lock()


def look_up(texts: Iterable[str], settings: Settings) -> bool:
    """Have the SEC's index of today if one of these names is unknown here and live data is on; True if it came.

    Sends at most one request, and waits a few seconds at the most: without an answer, what is here must do. Not to be
    called in a transaction, for it asks the network.
    """
    if not any(_unknown(text) for text in texts):
        return False
    with reading() as session:
        if not sec_contact(session, settings.sec_contact):
            return False
    from research_dashboard.sources.sec import SecError  # the HTTP client is for those who fetch
    from research_dashboard.sources.tickers import failed_since

    if failed_since(settings.instance, utcnow() - AGAIN) or tickers_load(since=utcnow() - FRESH):
        return False
    try:
        fetch_index(settings, hurry=True)
    except SecError as error:
        logger.warning("no_tickers", kind=error.kind, error=str(error))
        return False
    return True


def _unknown(text: str) -> bool:
    try:
        find(directory(), clean(text))
    except UnknownCompany:
        return True
    except CompanyError:
        return False
    return False


def fetch_index(settings: Settings, *, hurry: bool = False) -> DataLoad:
    """The SEC's index of tickers, in the database when this returns; fetched unless that was done today.

    In a `hurry` there is one attempt, of a few seconds. Raises SecError.
    """
    from research_dashboard.services import live
    from research_dashboard.sources.sec import SecClient, SecError
    from research_dashboard.sources.tickers import fetch_tickers, keep_failure, until

    outside_transactions()
    with _one:
        load = tickers_load(since=utcnow() - FRESH)
        if load is not None:
            return load
        access, limiter = live.access_of(settings), live.limiter_of(settings.instance)
        end = time.monotonic() + LONGEST
        if hurry:
            access = replace(access, attempts=1, timeout=HURRY)
            limiter.hurry(HURRY)
        try:
            with SecClient(access, limiter) as client:
                rows, answer = fetch_tickers(client, until(lambda: hurry and time.monotonic() > end))
        except SecError as error:
            if error.kind != "off":
                keep_failure(settings.instance)
            raise
    return _save(rows, f"{answer.at:%Y-%m-%dT%H:%M:%SZ}", answer.sha256)


def _save(rows: Sequence[Listed], version: str, sha256: str) -> DataLoad:
    """Write down who is listed. The same answer as before is the same load, found fresh again."""
    with writing() as session:
        load = session.scalar(
            select(DataLoad).where(DataLoad.source == Source.LIVE, DataLoad.name == TICKERS, DataLoad.sha256 == sha256)
        ) or start_load(session, Source.LIVE, TICKERS, version, sha256)
        list_companies(session, rows)
        _correct(session, rows)
        load.companies, load.position, load.finished_at = len({row.cik for row in rows}), len(rows), utcnow()
    return load


def _correct(session: Session, rows: Sequence[Listed]) -> None:
    """What has changed since it was written down: a ticker that another company has now, a company of another name.

    Nobody is forgotten: who is listed no longer is still found by the old ticker and name.
    """
    now = utcnow()
    companies = {cik: (id_, name) for id_, cik, name in session.execute(select(Company.id, Company.cik, Company.name))}
    owners: dict[str, int] = dict(session.execute(select(Ticker.symbol, Ticker.company_id)).fetchall())
    moved = [
        {"symbol": row.ticker, "company_id": companies[row.cik][0]}
        for row in rows
        if owners[row.ticker] != companies[row.cik][0]
    ]
    titles = {row.cik: row.name[:200] for row in reversed(rows)}
    renamed = [
        {"id": companies[cik][0], "name": title, "updated_at": now}
        for cik, title in titles.items()
        if core_words(plain_words(title)) != core_words(plain_words(companies[cik][1]))
    ]
    for table, values in ((Ticker, moved), (Company, renamed)):
        if values:
            session.execute(update(table), values)
