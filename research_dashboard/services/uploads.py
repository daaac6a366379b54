"""Figures of one's own: an uploaded file becomes private companies and their facts, marked as not filed."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from research_dashboard.base import utcnow
from research_dashboard.extensions import writing
from research_dashboard.models import Company, DataLoad, Source
from research_dashboard.queries.directory import directory, plain_words, symbol_of
from research_dashboard.research.concepts import CONCEPTS, OWN
from research_dashboard.services.audit import record
from research_dashboard.services.companies import described
from research_dashboard.services.loads import finish_load, save_facts, start_load
from research_dashboard.sources.bundled import sic_list
from research_dashboard.sources.companyfacts import Row
from research_dashboard.sources.submissions import FilingRow
from research_dashboard.sources.uploaded import BadUploadError, LineError, OwnCompany, in_latin, read_upload


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What an upload brought; `new` is False for a file that was here already."""

    companies: tuple[str, ...]
    figures: int
    new: bool


def upload(content: bytes, file_name: str, *, now: datetime | None = None) -> Uploaded:
    """Store a file of a private company's figures, whole or not at all; the same file again changes nothing.

    Raises BadUploadError with every line that is wrong.
    """
    now = now or utcnow()
    companies = read_upload(content, now.date())
    wrong = _taken(companies)
    if wrong:
        raise BadUploadError(wrong)
    digest = hashlib.sha256(content).hexdigest()
    with writing() as session:
        load = session.scalar(select(DataLoad).where(DataLoad.source == Source.UPLOADED, DataLoad.sha256 == digest))
        new = load is None
        if load is None:
            load = start_load(session, Source.UPLOADED, _plain_name(file_name), now.date().isoformat(), digest)
            uploads = session.scalar(select(func.count()).where(DataLoad.source == Source.UPLOADED))
            for number, company in enumerate(companies, 1):
                accession = f"{OWN}-{uploads:06}-{digest[:12]}-{number}"  # later uploads sort after earlier ones
                _save(session, load, company, accession, now.date())
            finish_load(session, load)
            names = [company.name for company in companies]
            record(session, "figures.upload", f"load {load.id}", after={"companies": names, "figures": load.facts})
    return Uploaded(tuple(company.name for company in companies), sum(len(c.figures) for c in companies), new)


def _taken(companies: Sequence[OwnCompany]) -> list[LineError]:
    """Names that mean somebody else: a filer, a ticker, or the same company spelled in two ways."""
    known, wrong, spelled = directory(), [], dict[str, OwnCompany]()
    for company in companies:
        column = "company name"
        looks = in_latin(company.name)
        filer = known.by_symbol.get(symbol_of(looks))
        filer = filer or next((entry for entry in known.exact(looks) if entry.cik), None)
        if filer:
            text = f"{described(filer)} files with the SEC: give your company a name of its own."
            wrong.append(LineError(company.line, column, text))
        first = spelled.setdefault(plain_words(looks) or company.name.casefold(), company)
        if first is not company:
            text = f"“{company.name}” is “{first.name}” on line {first.line:,}: spell it the same way."
            wrong.append(LineError(company.line, column, text))
    return wrong


def _save(session: Session, load: DataLoad, own: OwnCompany, accession: str, today: date) -> None:
    """A company, new or known from an earlier upload, with one filing that holds all its figures."""
    company = _company(session, own)
    company.updated_at = utcnow()
    session.flush()
    filing = FilingRow(accession, None, OWN, today, max(figure.end for figure in own.figures))
    rows = [
        Row(OWN, figure.concept, CONCEPTS[figure.concept].label, figure.unit, figure.start, figure.end, figure.value,
            accession, OWN, today, None, None)
        for figure in own.figures
    ]  # fmt: skip
    save_facts(session, load, company.id, [filing], rows)


def _company(session: Session, own: OwnCompany) -> Company:
    """The private company of that name."""
    wanted = plain_words(own.name) or own.name.casefold()
    for company in session.scalars(select(Company).where(Company.cik.is_(None)).order_by(Company.id)):
        if (plain_words(company.name) or company.name.casefold()) == wanted:
            break
    else:
        company = Company(name=own.name)
        session.add(company)
    if own.sic is not None:
        company.sic, (company.sic_description, company.office) = own.sic, sic_list()[own.sic]
    return company


def _plain_name(file_name: str) -> str:
    """The file's name without folders and without what cannot be shown."""
    name = re.split(r"[/\\]", file_name)[-1]
    return "".join(letter for letter in name if letter.isprintable())[:100].strip() or "upload.csv"
