"""What makes the record quick and tidy: counts kept where they are made, full-text search, tags, notes, saved views."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, column, table, text
from sqlalchemy.orm import Mapped, mapped_column

from research_dashboard.base import Base, utcnow

COLOURS = ("grey", "blue", "green", "amber", "red")
MOST_NOTE = 20_000


class CompanyName(Base):
    """Each company name that a run ever had, once: a part of a name is looked for here, not in a million runs."""

    __tablename__ = "company_names"

    name: Mapped[str] = mapped_column(primary_key=True)


class RunCount(Base):
    """How many runs outside the trash have this status and this key: counted by triggers, in the writer's transaction.

    kind and key: company (its name), researcher (the name), month (2026-03, UTC), source (bundled …, or ""),
    filer (companies.id, or 0).
    """

    __tablename__ = "run_counts"
    __table_args__ = (CheckConstraint("kind IN ('company', 'researcher', 'month', 'source', 'filer')", name="kind"),)

    kind: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    status: Mapped[str] = mapped_column(primary_key=True)
    runs: Mapped[int]


# The full-text index (FTS5): rowid is the run's id; filled by triggers from runs, results and notes.
RUN_SEARCH = table("run_search", column("rowid"), column("title"), column("findings"), column("notes"), column("error"))


class Tag(Base):
    """A word of one's own that runs are put under."""

    __tablename__ = "tags"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 50", name="name_length"),
        CheckConstraint(f"colour IN ({', '.join(repr(colour) for colour in COLOURS)})", name="colour"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    colour: Mapped[str] = mapped_column(default="grey")


class RunTag(Base):
    """This run stands under this tag."""

    __tablename__ = "run_tags"
    __table_args__ = (Index("ix_run_tags_tag_id_run_id", "tag_id", "run_id"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("research_runs.id", ondelete="CASCADE"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tags.id", ondelete="CASCADE"), primary_key=True)


class RunNote(Base):
    """What someone wrote on a run, in Markdown. An edit is a new row that replaces the old one."""

    __tablename__ = "run_notes"
    __table_args__ = (
        CheckConstraint(f"length(text) BETWEEN 1 AND {MOST_NOTE}", name="text_length"),
        Index("ix_run_notes_run_id", "run_id"),
        Index("ix_run_notes_replaced_by", "replaced_by"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("research_runs.id", ondelete="CASCADE"))
    text: Mapped[str]
    author: Mapped[str]
    written_at: Mapped[datetime] = mapped_column(default=utcnow)
    replaced_by: Mapped[int | None] = mapped_column(ForeignKey("run_notes.id", ondelete="SET NULL"))
    removed_at: Mapped[datetime | None]


class SavedView(Base):
    """A filter with a name: its address is /historical-records/views/ID, its content a query string.

    is_default and pinned are read by programs before 0021 only: each reader has their own (ReaderView).
    """

    __tablename__ = "saved_views"
    __table_args__ = (
        CheckConstraint("length(name) BETWEEN 1 AND 100", name="name_length"),
        CheckConstraint("length(query) <= 4000", name="query_length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    query: Mapped[str]
    author: Mapped[str]
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    pinned: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class ReaderView(Base):
    """What a reader uses a saved view for: the record opens with it, it is pinned on the overview. Without accounts
    there is one reader, called ""."""

    __tablename__ = "reader_views"
    __table_args__ = (
        Index(
            "uq_reader_views_default",
            "reader",
            unique=True,
            sqlite_where=text("is_default"),
            postgresql_where=text("is_default"),
        ),
        Index("ix_reader_views_view_id", "view_id"),
    )

    reader: Mapped[str] = mapped_column(primary_key=True)
    view_id: Mapped[int] = mapped_column(ForeignKey("saved_views.id", ondelete="CASCADE"), primary_key=True)
    is_default: Mapped[bool] = mapped_column(Boolean, default=False)
    pinned: Mapped[bool] = mapped_column(Boolean, default=False)
