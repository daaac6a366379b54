"""Accounts: users, their sign-ins, API tokens, and links that share a report."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from research_dashboard.base import Base, utcnow
from research_dashboard.tables.runs import one_of

USER_NAME_LENGTH = 64


class Role(StrEnum):
    """What a user may do: each role may all that the ones before it may."""

    VIEWER = "viewer"  # reads
    RESEARCHER = "researcher"  # starts research, logs runs, organises
    ADMIN = "admin"  # settings, accounts, purge

    @property
    def rank(self) -> int:
        """0 to 2; a higher rank may more."""
        return list(Role).index(self)


class Scope(StrEnum):
    """What an API token may do, at most as much as its user."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"

    @property
    def role(self) -> Role:
        """The role whose rights the scope lends."""
        return list(Role)[list(Scope).index(self)]


class User(Base):
    """A person who signs in. The password is kept as Werkzeug's scrypt hash."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(one_of("role", Role), name="role"),
        CheckConstraint(f"length(name) BETWEEN 1 AND {USER_NAME_LENGTH}", name="name_length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)  # lower case
    password_hash: Mapped[str]
    role: Mapped[str]
    disabled_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)


class SignIn(Base):
    """One signed-in browser. The cookie holds the token, this row its SHA-256: signing out deletes the row."""

    __tablename__ = "sign_ins"

    id: Mapped[int] = mapped_column(primary_key=True)
    token_sha256: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_seen_at: Mapped[datetime] = mapped_column(default=utcnow)
    address: Mapped[str | None]
    browser: Mapped[str | None]

    user: Mapped[User] = relationship()


class ApiToken(Base):
    """A program's key. Shown once; kept as its SHA-256; `prefix` tells tokens apart in a list."""

    __tablename__ = "api_tokens"
    __table_args__ = (
        CheckConstraint(one_of("scope", Scope), name="scope"),
        CheckConstraint("length(name) BETWEEN 1 AND 100", name="name_length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str]
    prefix: Mapped[str]
    token_sha256: Mapped[str] = mapped_column(unique=True)
    scope: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()


class ShareLink(Base):
    """A link that lets whoever holds it read one report until it expires or is revoked."""

    __tablename__ = "share_links"

    id: Mapped[int] = mapped_column(primary_key=True)
    research_run_id: Mapped[int] = mapped_column(ForeignKey("research_runs.id", ondelete="CASCADE"), index=True)
    token_sha256: Mapped[str] = mapped_column(unique=True)
    created_by: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]
