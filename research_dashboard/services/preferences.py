"""Setting what stands on /settings."""

from collections.abc import Mapping

from research_dashboard.extensions import writing
from research_dashboard.models import Preference
from research_dashboard.queries.preferences import Preferences
from research_dashboard.services.audit import record


def save_preferences(values: Mapping[str, str]) -> None:
    """Keep the values by name; an empty one goes back to its default. Raises KeyError for a name that is none."""
    unknown = set(values) - set(Preferences.__dataclass_fields__)
    if unknown:
        raise KeyError(f"no such preference: {', '.join(sorted(unknown))}")
    with writing() as session:
        for name, value in values.items():
            kept = session.get(Preference, name)
            was = kept.value if kept else None
            if (was or "") != value:
                record(session, "setting.change", f"setting {name}", before=was, after=value or None)
            if not value:
                if kept:
                    session.delete(kept)
            elif kept:
                kept.value = value
            else:
                session.add(Preference(name=name, value=value))
