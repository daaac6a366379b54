"""What is set on /settings, over its defaults."""

import getpass
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from research_dashboard import peek
from research_dashboard.models import Preference

THEMES = ("auto", "light", "dark")


@dataclass(frozen=True, slots=True)
class Preferences:
    """The researcher whose name stands on a run, the contact the SEC asks for, the reader's zone and theme."""

    researcher: str
    sec_contact: str = ""
    time_zone: str = "UTC"
    theme: str = "auto"

    @property
    def zone(self) -> tzinfo:
        """The zone in which times are shown."""
        return ZoneInfo(self.time_zone)


@cache
def system_user() -> str:
    """The operating system's user, or “analyst” where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "analyst"


def defaults() -> Preferences:
    """What holds before anything was set."""
    return Preferences(researcher=system_user())


def stored_preferences(session: Session) -> Mapping[str, str]:
    """The names and values that were set."""
    return {row.name: row.value for row in session.execute(select(Preference.name, Preference.value))}


def preferences(session: Session) -> Preferences:
    """What is set, over the defaults. The operator's SEC_CONTACT is not looked at here: see `sec_contact`."""
    fields = Preferences.__dataclass_fields__
    return Preferences(
        **{"researcher": system_user(), **{n: v for n, v in stored_preferences(session).items() if n in fields}}
    )


def researcher_now() -> str:
    """The name that stands on what is done without accounts; asked at every request."""
    found = peek.rows("SELECT value FROM preferences WHERE name = 'researcher'")
    return str(found[0][0]) if found else system_user()


def sec_contact(session: Session, of_settings: str) -> str:
    """The contact for live SEC data, or "" when live is off: the operator's setting first, then /settings."""
    return of_settings or preferences(session).sec_contact
