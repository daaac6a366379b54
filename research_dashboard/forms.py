"""Forms: they check shape; the database decides."""

import unicodedata
import zoneinfo
from datetime import date

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired, FileSize
from wtforms import (
    DateField,
    Field,
    IntegerField,
    PasswordField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.fields import SelectChoice
from wtforms.validators import DataRequired, EqualTo, Length, NumberRange, Optional, Regexp

from research_dashboard.base import utcnow
from research_dashboard.one_line import is_one_line
from research_dashboard.queries.preferences import THEMES
from research_dashboard.services.accounts import SHARE_DAYS, TOKEN_DAYS
from research_dashboard.sources.uploaded import MOST_BYTES
from research_dashboard.tables.runs import RESEARCHER_LENGTH


def trimmed(value: str | None) -> str | None:
    """Without blanks around it, composed as people type it (NFC)."""
    return unicodedata.normalize("NFC", value).strip() if value else value


def no_control_characters(_form: FlaskForm, field: Field) -> None:
    """Refuse what cannot be seen: line breaks, NUL, direction overrides."""
    if not is_one_line(field.data or ""):
        raise ValidationError("Remove the line breaks or control characters.")


def within(what: str, days: tuple[int, int]) -> str:
    """How many days it may last, in words."""
    return f"{what} {days[0]} to {days[1]} days."


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
    sec_contact = StringField(
        "Contact for the SEC",
        filters=[trimmed],
        validators=[
            Length(max=200, message="Use at most 200 characters."),
            Regexp(
                r"^$|^[^@<>]*[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+$",
                message="Enter an e-mail address, or a name and one: Example Ltd ann@example.com.",
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


class PasswordForm(FlaskForm):  # type: ignore[misc]
    """A new password of one's own; what it must be like is for services.accounts to say."""

    current = PasswordField("Password now", validators=[DataRequired("Give your password."), Length(max=200)])
    password = PasswordField("New password", validators=[DataRequired("Give a new password."), Length(max=200)])
    again = PasswordField("New password again", validators=[EqualTo("password", "The two new passwords differ.")])


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
    days = IntegerField(
        "Days it lasts", default=90, validators=[NumberRange(*TOKEN_DAYS, within("A token lasts", TOKEN_DAYS))]
    )


class ShareForm(FlaskForm):  # type: ignore[misc]
    """A link that shares a report: how many days it lasts."""

    days = IntegerField(
        "Days it lasts", default=7, validators=[NumberRange(*SHARE_DAYS, within("A link lasts", SHARE_DAYS))]
    )


class UploadForm(FlaskForm):  # type: ignore[misc]
    """A file of a private company's figures; its rows are checked by sources.uploaded."""

    file = FileField(
        "CSV file", validators=[FileRequired("Choose a file."), FileSize(MOST_BYTES, message="Send at most 1 MB.")]
    )


MOST_PEERS = 20
FIRST_FILINGS = date(1993, 1, 1)  # the SEC's electronic filings begin then


class Day(DateField):  # type: ignore[misc]
    """A date; what is none is refused in words that say what one looks like."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read it. Raises ValueError with words for people."""
        try:
            super().process_formdata(valuelist)
        except ValueError:
            raise ValueError("Enter a date as 2026-02-28.") from None


def known_day(_form: FlaskForm, field: Field) -> None:
    """Refuse a day from before there were filings, or that has not come."""
    if field.data and field.data < FIRST_FILINGS:
        raise ValidationError("The SEC's electronic filings begin in 1993.")
    if field.data and field.data > utcnow().date():
        raise ValidationError("That day lies in the future; figures can be known as of today or earlier.")


class BatchForm(FlaskForm):  # type: ignore[misc]
    """Research of many companies: a pasted list. Which companies it means is for services.batches to say."""

    companies = TextAreaField("Companies")
    as_of = Day("As-of date", validators=[Optional(), known_day])
    source = SelectField("Source", default="auto", choices=[SelectChoice("auto", "Auto")])


class ResearchForm(FlaskForm):  # type: ignore[misc]
    """What to research. Whether there is such a company is for services.companies to say."""

    company = StringField("Company", filters=[trimmed])
    as_of = Day("As-of date", validators=[Optional(), known_day])
    source = SelectField("Source", default="auto", choices=[SelectChoice("auto", "Auto")])
    peer = SelectMultipleField("Peers", validate_choice=False)
    peers = StringField("Further peers", filters=[trimmed], validators=[Length(max=400), no_control_characters])

    def all_peers(self) -> list[str]:
        """Those ticked and those typed, each once, in order."""
        typed = (self.peers.data or "").replace(";", ",").split(",")
        words = [word.strip() for word in (*(self.peer.data or ()), *typed)]
        return list(dict.fromkeys(word for word in words if word))

    def validate_peers(self, _field: Field) -> None:
        """Refuse more peers than a table can show."""
        if len(self.all_peers()) > MOST_PEERS:
            raise ValidationError(f"Choose at most {MOST_PEERS} peers.")
