"""Forms: they check shape; the database decides."""

import unicodedata
import zoneinfo

from flask_wtf import FlaskForm
from wtforms import EmailField, Field, IntegerField, PasswordField, SelectField, StringField, ValidationError
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, Length, NumberRange, Regexp

from research_dashboard.queries.preferences import THEMES
from research_dashboard.services.accounts import SHARE_DAYS, TOKEN_DAYS
from research_dashboard.tables.runs import RESEARCHER_LENGTH


def trimmed(value: str | None) -> str | None:
    """Without blanks around it, composed as people type it (NFC)."""
    return unicodedata.normalize("NFC", value).strip() if value else value


def no_control_characters(_form: FlaskForm, field: Field) -> None:
    """Refuse what cannot be seen: line breaks, NUL, direction overrides."""
    if any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in field.data or ""):
        raise ValidationError("Remove the line breaks or control characters.")


def known_zone(_form: FlaskForm, field: Field) -> None:
    """Refuse a time zone that there is not."""
    if field.data not in zoneinfo.available_timezones():
        raise ValidationError(
            f"“{field.data}” is no time zone. Use a name like Europe/Berlin, America/New_York or UTC."
        )


class SettingsForm(FlaskForm):  # type: ignore[misc]
    """What can be set on /settings."""

    researcher = StringField(
        "Researcher",
        filters=[trimmed],
        validators=[
            DataRequired("Enter the name that stands on your runs."),
            Length(max=RESEARCHER_LENGTH, message=f"Use at most {RESEARCHER_LENGTH} characters."),
            no_control_characters,
        ],
    )
    sec_contact = EmailField(
        "Contact for the SEC",
        filters=[trimmed],
        validators=[
            Length(max=200, message="Use at most 200 characters."),
            Regexp(
                r"^$|^[^@<>]*[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+$", message="Enter an e-mail address, as ann@example.com."
            ),
            no_control_characters,
        ],
    )
    time_zone = StringField("Time zone", filters=[trimmed], validators=[DataRequired("Enter a time zone."), known_zone])
    theme = SelectField("Theme", choices=[SelectChoice(theme, theme.title()) for theme in THEMES])


SCOPES = [SelectChoice("read", "read"), SelectChoice("write", "read and write"), SelectChoice("admin", "administer")]


class LoginForm(FlaskForm):  # type: ignore[misc]
    """Name and password."""

    name = StringField("Name", validators=[DataRequired("Give your name."), Length(max=64)])
    password = PasswordField("Password", validators=[DataRequired("Give your password."), Length(max=200)])


class TokenForm(FlaskForm):  # type: ignore[misc]
    """A new API token: what will use it, what it may do, how long."""

    label = StringField("What will use it", validators=[DataRequired("Name the program."), Length(max=100)])
    scope = SelectField(
        "It may",
        choices=[
            SelectChoice("read", "read"),
            SelectChoice("write", "read and write"),
            SelectChoice("admin", "administer"),
        ],
    )
    days = IntegerField("Days it lasts", default=90, validators=[NumberRange(*TOKEN_DAYS)])


class ShareForm(FlaskForm):  # type: ignore[misc]
    """A link that shares a report: how many days it lasts."""

    days = IntegerField("Days it lasts", default=7, validators=[NumberRange(*SHARE_DAYS)])
