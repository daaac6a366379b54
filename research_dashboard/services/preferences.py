"""Setting what stands on /settings."""

from collections.abc import Mapping

from research_dashboard.extensions import writing
from research_dashboard.models import Preference
from research_dashboard.queries.preferences import Preferences


def save_preferences(values: Mapping[str, str]) -> None:
    """Keep the values by name; an empty one goes back to its default. Raises KeyError for a name that is none."""
    unknown = set(values) - set(Preferences.__dataclass_fields__)
    if unknown:
        raise KeyError(f"no such preference: {', '.join(sorted(unknown))}")
    with writing() as session:
        for name, value in values.items():
            kept = session.get(Preference, name)
            if not value:
                if kept:
                    session.delete(kept)
            elif kept:
                kept.value = value
            else:
                session.add(Preference(name=name, value=value))
