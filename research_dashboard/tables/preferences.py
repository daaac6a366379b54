"""What people set on /settings: one row a name."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from research_dashboard.base import Base, utcnow

VALUE_LENGTH = 200


class Preference(Base):
    """One thing set on /settings, by name; what is not here has its default."""

    __tablename__ = "preferences"
    __table_args__ = (CheckConstraint(f"length(value) <= {VALUE_LENGTH}", name="value_length"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]
    updated_at: Mapped[datetime] = mapped_column(default=utcnow, onupdate=utcnow)
