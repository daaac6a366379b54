"""Requests that carried an Idempotency-Key, with the answers they got."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from research_dashboard.base import Base, utcnow

KEY_LENGTH = 200


class IdempotencyKey(Base):
    """One request: whose, its key, what it asked for (a fingerprint), and the answer that is given again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        UniqueConstraint("sender", "key"),
        CheckConstraint(f"length(key) BETWEEN 1 AND {KEY_LENGTH}", name="key_length"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sender: Mapped[str]
    key: Mapped[str]
    fingerprint: Mapped[str]
    status: Mapped[int]
    headers: Mapped[dict[str, Any]] = mapped_column(JSON)
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)
