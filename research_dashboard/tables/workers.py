"""The worker processes that are, or lately were, at work."""

from datetime import datetime

from sqlalchemy.orm import Mapped, mapped_column

from research_dashboard.base import Base, utcnow


class Worker(Base):
    """A worker process. It beats once a second; one that has not beaten for a while is dead."""

    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(primary_key=True)  # host:pid:random
    started_at: Mapped[datetime] = mapped_column(default=utcnow)
    beat_at: Mapped[datetime] = mapped_column(default=utcnow)
    threads: Mapped[int]
