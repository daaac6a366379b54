"""Live figures: a company fetched from the SEC into the database, unless what is there is fresh."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from research_dashboard.base import utcnow
from research_dashboard.extensions import db, reading, writing
from research_dashboard.models import Company, DataLoad, Filing, Source
from research_dashboard.queries.companies import companies_by_id, company_by_id
from research_dashboard.queries.preferences import sec_contact
from research_dashboard.research import model
from research_dashboard.research.wording import listed
from research_dashboard.services.imports import import_data_set
from research_dashboard.services.loads import (
    filing_values,
    finish_load,
    insert_new,
    save_facts,
    save_identity,
    start_load,
)
from research_dashboard.services.research import in_order, newest_sizes
from research_dashboard.settings import Settings
from research_dashboard.sources import limiter
from research_dashboard.sources.imported import UnusableDataSet
from research_dashboard.sources.limiter import Limiter
from research_dashboard.sources.live import (
    ABSENT,
    Fetched,
    Progress,
    fetch,
    fetch_data_set,
    fetch_profile,
    has_profile,
    keep_absence,
    kept_absence,
)
from research_dashboard.sources.sec import OFF_CURE, Access, Note, SecClient, SecError
from research_dashboard.sources.submissions import Identity, filing_of

FRESH = timedelta(hours=24)
SPARE = 1  # the next in line, for one of which the SEC has nothing: a run sends at most 3 + peers requests
PEERS = 8  # fetched for comparison: five make a set, and some have no year in common
BLOCKED = frozenset({"off", "unreachable", "sec_down", "forbidden", "rate_limited"})  # the next request would fail too


def unheard(words: str) -> None:
    """A note that nobody asked for."""


def fetch_company(
    cik: int, progress: Progress, settings: Settings, *, profile: bool = True, note: Callable[[str], None] = unheard
) -> DataLoad:
    """A company's figures from the SEC, in the database when this returns. Raises SecError.

    `note` is told what of the answer could not be taken.

    What was fetched in the last 24 hours is not fetched again, nor anything once live data is off. Without `profile`
    who the company is is taken as known, and one request is sent instead of two.
    """
    with reading() as session:
        name = session.scalar(select(Company.name).where(Company.cik == cik)) or f"CIK {cik}"
    on = bool(access_of(settings).contact)
    found = newest_load(cik, since=utcnow() - FRESH if on else None)
    if found is not None:
        if on and profile and not has_profile(settings.instance, cik, utcnow() - FRESH):
            try:
                _save_profile(cik, name, progress, settings)
            except SecError as error:  # its figures are fresh: the run goes on with them, and says what it lacks
                note(f"Who {name} is was not asked again: {error.message}")
        if found.left_out:
            note(_left_out(name, found.left_out))
        progress(1.0, f"The figures of {name} were fetched on {found.finished_at:%Y-%m-%d %H:%M} UTC: not asked again")
        return found
    with open_client(settings) as client:
        fetched = fetch(client, cik, progress, name=name, profile=profile)
    load = _save(fetched)
    if load.left_out:
        note(_left_out(name, load.left_out))
    progress(1.0, f"{load.facts:,} facts of {name}")
    return load


def _save_profile(cik: int, name: str, progress: Progress, settings: Settings) -> None:
    """Who a company is whose figures came alone, when it was a peer. Raises SecError."""
    with open_client(settings) as client:
        identity, filings = fetch_profile(client, cik, progress, name=name)
    with writing() as session:
        company_id = save_identity(session, identity)
        reports = [filing_values(filing, company_id) for filing in filings if filing.form.startswith("10-K")]
        insert_new(session.connection(), Filing.__table__, reports)


def _left_out(name: str, tags: str) -> str:
    return f"Malformed facts of {name} left out: {tags}."


def check_on(name: str, settings: Settings, cik: int | None = None) -> None:
    """Raises SecError (kind off) when live data is off and nothing of it, or of the company, was fetched before."""
    if not access_of(settings).contact and (cik is None or newest_load(cik) is None):
        raise SecError("off", f"Live SEC data is off: {name} was not fetched.", OFF_CURE)


def newest_load(cik: int, since: datetime | None = None) -> DataLoad | None:
    """The newest load of a company, fetched since then."""
    statement = (
        select(DataLoad)
        .where(
            DataLoad.source == Source.LIVE,
            DataLoad.name == load_name(cik),
            DataLoad.finished_at >= (since or datetime.min.replace(tzinfo=UTC)),
        )
        .order_by(DataLoad.finished_at.desc())
        .limit(1)
    )
    with reading() as session:
        return session.scalar(statement)


def load_name(cik: int) -> str:
    """The name under which a live company's loads are kept."""
    return f"CIK{cik:010}"


def _save(fetched: Fetched) -> DataLoad:
    """Write down what came. The same answer as last time is the same load, found fresh again."""
    answer = fetched.answers[-1]
    with writing() as session:
        same = session.scalar(
            select(DataLoad).where(
                DataLoad.source == Source.LIVE,
                DataLoad.name == load_name(fetched.cik),
                DataLoad.sha256 == answer.sha256,
            )
        )
        if fetched.identity:
            company_id = save_identity(session, fetched.identity)
        else:
            known = session.scalar(select(Company.id).where(Company.cik == fetched.cik))
            company_id = known or save_identity(session, Identity(fetched.cik, f"CIK {fetched.cik}"))
        if same is not None:
            same.finished_at = utcnow()
            same.left_out = listed(fetched.malformed) or None
            return same
        load = start_load(
            session, Source.LIVE, load_name(fetched.cik), f"{answer.at:%Y-%m-%dT%H:%M:%SZ}", answer.sha256
        )
        filings = {
            row.accession: filing_of(fetched.cik, row, fetched.filings.get(row.accession)) for row in fetched.facts
        }
        insert_new(
            session.connection(),
            Filing.__table__,
            [
                filing_values(filing, company_id)
                for filing in fetched.filings.values()
                if filing.form.startswith("10-K")
            ],
        )
        save_facts(session, load, company_id, list(filings.values()), fetched.facts)
        load.left_out = listed(fetched.malformed) or None
        finish_load(session, load)
    return load


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a run stands on: the loads of the company and its peers, and what could not be had, in words."""

    loads: tuple[Mapping[str, Any], ...]
    notes: tuple[str, ...]


def gather(company: model.Company, chosen: Sequence[int], progress: Progress, settings: Settings) -> Gathered:
    """A run's figures from the SEC: the company's, and those of its peers (chosen, or likely ones). Raises SecError.

    A peer without figures is left out; when the SEC stops answering, the peers fetched so far must do.
    """
    if company.cik is None:
        raise SecError("not_found", f"{company.name} is no filer.", "Choose the source its figures were given to.")
    peers = [peer for id_ in chosen if (peer := company_by_id(id_))]
    steps = 1 + (len(peers) or PEERS)
    notes: list[str] = []
    fetch_company(company.cik, lambda part, words: progress(part / steps, words), settings, note=notes.append)
    if not peers and (few := industries_known()):
        notes.append(few)
    peers, ciks = peers or likely_peers(company, PEERS + SPARE), [company.cik]
    for number, peer in enumerate(peers, start=1):
        if peer.cik is None:
            continue
        if not chosen and len(ciks) > PEERS:
            break

        def of_peer(part: float, words: str, number: int = number) -> None:
            progress(min((number + part) / steps, 1.0), f"Peer {number} of {max(number, steps - 1)}: {words}")

        try:
            _fetch_peer(peer.cik, of_peer, settings, notes.append)
            ciks.append(peer.cik)
            if peer.sic is None:
                notes.append(f"The industry of {peer.name} is not known here: what it files tells what applies to it.")
        except SecError as error:
            notes.append(f"{peer.name} left out: {error.message}")
            if error.kind in BLOCKED:
                break
    return Gathered(_loads_of(ciks), tuple(notes))


def _fetch_peer(cik: int, progress: Progress, settings: Settings, note: Callable[[str], None]) -> None:
    """A peer's figures, by one request. That the SEC has none is kept for as long as figures are fresh.

    Raises SecError.
    """
    absence = kept_absence(settings.instance, cik, utcnow() - FRESH)
    if absence is not None:
        raise absence
    try:
        fetch_company(cik, progress, settings, profile=False, note=note)
    except SecError as error:
        if error.kind in ABSENT:
            keep_absence(settings.instance, cik, error)
        raise


def _loads_of(ciks: Sequence[int]) -> tuple[Mapping[str, Any], ...]:
    """Every load of these companies, as a run keeps them: a newer one holds only what the older ones lack."""
    statement = select(DataLoad.id, DataLoad.source, DataLoad.name, DataLoad.version, DataLoad.sha256).where(
        DataLoad.source == Source.LIVE,
        DataLoad.name.in_([load_name(cik) for cik in ciks]),
        DataLoad.finished_at.is_not(None),
    )
    with reading() as session:
        return in_order(dict(row._mapping) for row in session.execute(statement))


def likely_peers(company: model.Company, limit: int = PEERS) -> list[model.Company]:
    """Known companies of the same industry: the SEC's four digits first, then three, two, its office.

    Within each the largest first by the newest revenue at hand, then those of which none is, in the SEC's own order.
    """
    own = company_by_id(company.id) or company
    with reading() as session:
        rows = session.execute(
            select(Company.id, Company.sic, Company.office)
            .where(Company.sic.is_not(None), Company.cik.is_not(None), Company.id != company.id)
            .order_by(Company.id)
        ).all()
    if own.sic is None:
        return []
    far: dict[int, list[int]] = {}
    for id_, sic, office in rows:
        if sic is not None and (distance := _distance(own.sic, own.office, sic, office)) < FAR:
            far.setdefault(distance, []).append(id_)
    near: list[int] = []
    for distance in sorted(far):
        if len(near) < limit:
            sizes = _revenues(far[distance])
            near += sorted(far[distance], key=lambda id_: (-sizes.get(id_, Decimal(0)), id_))
    return companies_by_id(near[:limit])


def _revenues(ids: Sequence[int]) -> Mapping[int, Decimal]:
    """The newest yearly revenue in US$ at hand of each, from whichever source has the newest."""
    newest: dict[int, tuple[date, Decimal]] = {}
    for source in (Source.LIVE, Source.BUNDLED, Source.IMPORTED):
        for id_, size in newest_sizes(ids, "USD", source, utcnow().date()).items():
            if id_ not in newest or size.end > newest[id_][0]:
                newest[id_] = size.end, size.revenue
    return {id_: value for id_, (_, value) in newest.items()}


def industries_known() -> str | None:
    """That the industry is known of few of the companies known, where it is: likely peers are chosen among these."""
    with reading() as session:
        known, told = session.execute(select(func.count(Company.cik), func.count(Company.sic))).one()
    if told * 2 >= known:
        return None
    return (
        f"The industry is known of {told:,} of {known:,} companies, those with figures here: likely peers are chosen "
        "among them. `flask companies import` of a quarter's data set brings the others."
    )


FAR = 4


def _distance(own_sic: int, own_office: str | None, sic: int, office: str | None) -> int:
    if sic == own_sic:
        return 0
    if sic // 10 == own_sic // 10:
        return 1
    if sic // 100 == own_sic // 100:
        return 2
    return 3 if own_office and office == own_office else FAR


def fetch_quarter(quarter: str, settings: Settings, note: Note, progress: Callable[[float], None]) -> DataLoad:
    """Download a quarterly data set and import it. Raises SecError, UnusableDataSet."""
    with open_client(settings) as client:
        path = fetch_data_set(client, quarter, note)
    try:
        return import_data_set(path, progress)
    except UnusableDataSet:
        path.unlink(missing_ok=True)  # the next try fetches it anew
        raise


def access_of(settings: Settings) -> Access:
    """How to reach the SEC, as the operator and /settings say."""
    with reading() as session:
        contact = sec_contact(session, settings.sec_contact)
    return Access(contact, settings.sec_data_url, settings.sec_www_url, settings.instance)


@contextlib.contextmanager
def open_client(settings: Settings) -> Iterator[SecClient]:
    """A client for this thread. Raises SecError (kind off) when no contact is set."""
    with SecClient(access_of(settings), limiter_of(settings.instance)) as client:
        yield client


def limiter_of(instance: Path) -> Limiter:
    """The one queue of this installation for requests to the SEC."""
    return limiter.limiter_of(instance, db.engine)
