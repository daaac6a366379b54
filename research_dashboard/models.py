"""Every table of the one database, gathered from tables/."""

from research_dashboard.base import Base
from research_dashboard.tables.accounts import ApiToken, Role, Scope, ShareLink, SignIn, User
from research_dashboard.tables.audit import AuditEvent
from research_dashboard.tables.bulk import BulkJob
from research_dashboard.tables.changes import RunChanges
from research_dashboard.tables.companies import Company, DataLoad, Fact, Filing, Ticker, XbrlTag
from research_dashboard.tables.idempotency import IdempotencyKey
from research_dashboard.tables.preferences import Preference
from research_dashboard.tables.record import (
    RUN_SEARCH,
    CompanyName,
    ReaderView,
    RunCount,
    RunNote,
    RunTag,
    SavedView,
    Tag,
)
from research_dashboard.tables.run_log import Level, RunLogLine
from research_dashboard.tables.runs import (
    ENDED,
    MOVES,
    WAITING_OR_WORKING,
    Origin,
    ResearchDetail,
    ResearchResult,
    ResearchRun,
    Source,
    Status,
    StepStatus,
)
from research_dashboard.tables.watchlists import (
    Every,
    InboxMark,
    Notice,
    NoticeKind,
    Watchlist,
    WatchlistCompany,
    WatchlistPass,
    WatchlistRun,
)
from research_dashboard.tables.workers import Worker

__all__ = [
    "ENDED",
    "MOVES",
    "RUN_SEARCH",
    "WAITING_OR_WORKING",
    "ApiToken",
    "AuditEvent",
    "Base",
    "BulkJob",
    "Company",
    "CompanyName",
    "DataLoad",
    "Every",
    "Fact",
    "Filing",
    "IdempotencyKey",
    "InboxMark",
    "Level",
    "Notice",
    "NoticeKind",
    "Origin",
    "Preference",
    "ReaderView",
    "ResearchDetail",
    "ResearchResult",
    "ResearchRun",
    "Role",
    "RunChanges",
    "RunCount",
    "RunLogLine",
    "RunNote",
    "RunTag",
    "SavedView",
    "Scope",
    "ShareLink",
    "SignIn",
    "Source",
    "Status",
    "StepStatus",
    "Tag",
    "Ticker",
    "User",
    "Watchlist",
    "WatchlistCompany",
    "WatchlistPass",
    "WatchlistRun",
    "Worker",
    "XbrlTag",
]
