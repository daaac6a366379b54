"""A service of the seed's design, to measure against: FastAPI, SQLAlchemy's ORM, SQLite as it comes.

Same tables, handlers and defaults as the seed; mended only so far that it starts. Runs in an environment of its own,
which benchmarks/api.py makes; DATABASE names the SQLite file.
"""

import logging
import os
from collections.abc import Iterator
from datetime import datetime

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import Column, DateTime, Float, ForeignKey, Integer, String, Text, create_engine
from sqlalchemy.orm import Session, declarative_base, relationship, sessionmaker

DATABASE = os.environ.get("DATABASE", "seed.db")

engine = create_engine(f"sqlite:///{DATABASE}", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(autocommit=False, autoflush=False, bind=engine)
Base = declarative_base()


class ResearchRun(Base):
    """A run."""

    __tablename__ = "research_runs"

    id = Column(Integer, primary_key=True, index=True)
    company = Column(String, index=True)
    researcher = Column(String)
    date = Column(DateTime, default=datetime.now)
    duration_mins = Column(Float)
    status = Column(String)
    insights = Column(Integer)

    details = relationship("ResearchDetail", back_populates="research_run", cascade="all, delete-orphan")
    results = relationship("ResearchResult", back_populates="research_run", cascade="all, delete-orphan")


class ResearchDetail(Base):
    """A step."""

    __tablename__ = "research_details"

    id = Column(Integer, primary_key=True, index=True)
    research_run_id = Column(Integer, ForeignKey("research_runs.id"))
    step_name = Column(String)
    start_time = Column(DateTime)
    end_time = Column(DateTime, nullable=True)
    status = Column(String)

    research_run = relationship("ResearchRun", back_populates="details")


class ResearchResult(Base):
    """A result."""

    __tablename__ = "research_results"

    id = Column(Integer, primary_key=True, index=True)
    research_run_id = Column(Integer, ForeignKey("research_runs.id"))
    result_type = Column(String)
    result_data = Column(Text)

    research_run = relationship("ResearchRun", back_populates="results")


class RunBase(BaseModel):
    """What is sent of a run."""

    company: str
    researcher: str
    duration_mins: float
    status: str
    insights: int


class RunResponse(RunBase):
    """What is answered of a run."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    date: datetime


Base.metadata.create_all(bind=engine)

logging.basicConfig(
    level=logging.INFO,
    format="%(asctime)s - %(name)s - %(levelname)s - %(message)s",
    handlers=[logging.FileHandler(f"{DATABASE}.log"), logging.StreamHandler()],
)
logger = logging.getLogger("research_api")
app = FastAPI(title="Research Dashboard API")


def get_db() -> Iterator[Session]:
    """A session for one request."""
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@app.post("/api/research_runs/", response_model=RunResponse)
def create_research_run(run: RunBase, db: Session = Depends(get_db)) -> ResearchRun:
    """Log a run."""
    logger.info(f"Creating research run for company: {run.company}")
    db_run = ResearchRun(**run.model_dump())
    db.add(db_run)
    db.commit()
    db.refresh(db_run)
    return db_run


@app.get("/api/research_runs/", response_model=list[RunResponse])
def get_research_runs(
    skip: int = 0,
    limit: int = 100,
    company: str | None = None,
    status: str | None = None,
    db: Session = Depends(get_db),
) -> list[ResearchRun]:
    """List runs."""
    logger.info(f"Fetching research runs with filters: company={company}, status={status}")
    query = db.query(ResearchRun)
    if company:
        query = query.filter(ResearchRun.company.contains(company))
    if status:
        query = query.filter(ResearchRun.status == status)
    return query.order_by(ResearchRun.id.desc()).offset(skip).limit(limit).all()


@app.get("/api/research_runs/{run_id}", response_model=RunResponse)
def get_research_run(run_id: int, db: Session = Depends(get_db)) -> ResearchRun:
    """Read a run."""
    logger.info(f"Fetching research run with ID: {run_id}")
    db_run = db.query(ResearchRun).filter(ResearchRun.id == run_id).first()
    if db_run is None:
        logger.warning(f"Research run not found: {run_id}")
        raise HTTPException(status_code=404, detail="Research run not found")
    return db_run
