"""Companies, their filings and filed facts, and the loads that brought them."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from research_dashboard.base import Base, utcnow
from research_dashboard.tables.runs import Source, one_of


class Company(Base):
    """A filer: its identity as the SEC gives it. `cik` is null only for a private company of one's own."""

    __tablename__ = "companies"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 200", name="name_length"),
        CheckConstraint("cik IS NULL OR cik BETWEEN 1 AND 9999999999", name="cik"),
        CheckConstraint("sic IS NULL OR sic BETWEEN 0 AND 9999", name="sic"),
        Index("ix_companies_name", "name"),
        Index("ix_companies_sic", "sic"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    cik: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    name: Mapped[str]
    exchange: Mapped[str | None]
    sic: Mapped[int | None]
    sic_description: Mapped[str | None]
    office: Mapped[str | None]  # the SEC's review office ("06 Technology"), `ownerOrg` in submissions
    category: Mapped[str | None]  # "Large accelerated filer"
    state: Mapped[str | None]  # of the headquarters
    city: Mapped[str | None]
    state_of_incorporation: Mapped[str | None]
    fiscal_year_end: Mapped[str | None]  # MMDD
    former_names: Mapped[list[Any] | None]  # [{"name", "from", "to"}]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)

    tickers: Mapped[list["Ticker"]] = relationship(
        back_populates="company", cascade="all, delete-orphan", passive_deletes=True, order_by="Ticker.position"
    )


class Ticker(Base):
    """A ticker symbol and the company that trades under it; position 1 is the main one."""

    __tablename__ = "tickers"

    symbol: Mapped[str] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(default=1)

    company: Mapped[Company] = relationship(back_populates="tickers")


class DataLoad(Base):
    """One load of filed facts: from where, which version, with which hash, when. A run pins its data by these."""

    __tablename__ = "data_loads"
    __table_args__ = (
        CheckConstraint(one_of("source", Source), name="source"),
        Index("ix_data_loads_source_name", "source", "name"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str]
    name: Mapped[str]  # "bundle", "2026q1.zip", "CIK0000320193"
    version: Mapped[str]
    sha256: Mapped[str]
    loaded_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]
    facts: Mapped[int] = mapped_column(default=0)
    companies: Mapped[int] = mapped_column(default=0)
    position: Mapped[int] = mapped_column(default=0)  # rows read so far, so that a broken load can go on
    left_out: Mapped[str | None]  # the tags of malformed facts in the SEC's answer, for people


class Filing(Base):
    """A filing at the SEC. `fiscal_year` is the company's own label for it (2.8 of FINANCE.md)."""

    __tablename__ = "filings"
    __table_args__ = (Index("ix_filings_company_id_filed", "company_id", "filed"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    accession: Mapped[str] = mapped_column(unique=True)  # 0000320193-25-000079
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"))
    form: Mapped[str]
    filed: Mapped[date]
    report_date: Mapped[date | None]
    fiscal_year: Mapped[int | None]
    fiscal_period: Mapped[str | None]
    primary_document: Mapped[str | None]

    company: Mapped[Company] = relationship()


class XbrlTag(Base):
    """A tag of a taxonomy, with its label: us-gaap:Assets, “Assets”."""

    __tablename__ = "xbrl_tags"
    __table_args__ = (UniqueConstraint("taxonomy", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    taxonomy: Mapped[str]
    name: Mapped[str]
    label: Mapped[str | None]
    description: Mapped[str | None]


class Fact(Base):
    """A filed fact, exactly as filed. `start` is null for an instant. Facts are added, never changed."""

    __tablename__ = "facts"
    __table_args__ = (
        CheckConstraint(one_of("source", Source), name="source"),
        CheckConstraint('start IS NULL OR start <= "end"', name="end_after_start"),
        Index(  # SQL holds two NULLs to be different: an instant and a duration each need an index
            "uq_facts_duration",
            *("company_id", "source", "tag_id", "unit", "end", "start", "filing_id"),
            unique=True,
        ),
        Index(
            "uq_facts_instant",
            *("company_id", "source", "tag_id", "unit", "end", "filing_id"),
            unique=True,
            sqlite_where=text("start IS NULL"),
            postgresql_where=text("start IS NULL"),
        ),
        Index("ix_facts_filing_id", "filing_id"),
        Index("ix_facts_load_id", "load_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    company_id: Mapped[int] = mapped_column(ForeignKey("companies.id", ondelete="CASCADE"))
    source: Mapped[str]
    tag_id: Mapped[int] = mapped_column(ForeignKey("xbrl_tags.id"))
    unit: Mapped[str]
    start: Mapped[date | None]
    end: Mapped[date]
    value: Mapped[Decimal]
    filing_id: Mapped[int] = mapped_column(ForeignKey("filings.id", ondelete="CASCADE"))
    load_id: Mapped[int] = mapped_column(ForeignKey("data_loads.id"))

    company: Mapped[Company] = relationship()
    tag: Mapped[XbrlTag] = relationship()
    filing: Mapped[Filing] = relationship()
