"""The program's settings: one table, read from the environment (prefix RESEARCH_DASHBOARD_)."""

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from click import ClickException
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

PREFIX = "RESEARCH_DASHBOARD_"
RATE_STORES = ("redis", "rediss", "redis+unix")  # beside memory://, where requests can be counted


class SettingError(ClickException, ValueError):
    """A setting that cannot be used; the text names it, says what is wrong and what would do.

    One of click's, so that a `flask` command ends with these words and not with a traceback.
    """

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator may set. The README's table is checked against these fields by a test."""

    instance: Path
    database_url: str = field(repr=False)
    secret_key: str = field(repr=False)
    sec_contact: str = ""
    sec_data_url: str = "https://data.sec.gov"
    sec_www_url: str = "https://www.sec.gov"
    web_processes: int = 1
    research_threads: int = 2
    log_format: str = "text"
    api_limit: str = "600 per minute"
    page_limit: str = "1200 per minute"
    rate_storage: str = field(default="memory://", repr=False)  # may hold a password
    trusted_proxies: int = 0
    trusted_hosts: tuple[str, ...] = ()
    link_hosts: tuple[str, ...] = ()

    @property
    def backups(self) -> Path:
        """Where backups are kept."""
        return self.instance / "backups"

    @property
    def live(self) -> bool:
        """True when live SEC data is on: the SEC asks for a contact in the User-Agent."""
        return bool(self.sec_contact)


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises SettingError, naming the variable, for a value that cannot be used.

    From the environment they are the program's own, which writes for its owner alone from here on: database, backups,
    answers, log, also in a folder that others may enter.
    """
    if environ is None:
        os.umask(0o077)
    env = os.environ if environ is None else environ

    def get(name: str, default: str = "") -> str:
        return env.get(PREFIX + name, "").strip() or default

    def whole(name: str, default: int, low: int, high: int) -> int:
        text = get(name, str(default))
        if not text.isdecimal() or not low <= int(text) <= high:
            raise SettingError(f"{PREFIX}{name} is {text!r}: give a whole number from {low} to {high}.")
        return int(text)

    instance = Path(get("INSTANCE") or Path.cwd() / "instance").absolute()
    try:
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)  # accounts and keys lie there
        secret_key = get("SECRET_KEY") or _kept_secret(instance)
    except OSError as error:
        cure = "name a folder that can be written to"
        raise SettingError(f"{PREFIX}INSTANCE, {instance}, cannot be used ({error.strerror}): {cure}.") from None
    log_format = get("LOG_FORMAT", "text")
    if log_format not in ("text", "json"):
        raise SettingError(f"{PREFIX}LOG_FORMAT is {log_format!r}: give text or json.")

    def rate(name: str, default: str) -> str:
        text = get(name, default)
        if text == default:
            return default
        import limits

        try:
            limits.parse_many(text)
        except ValueError:
            raise SettingError(f"{PREFIX}{name} is {text!r}: give a rate such as {default}.") from None
        return text

    return Settings(
        instance=instance,
        database_url=_database(get("DATABASE_URL", f"sqlite:///{instance / 'research.db'}")),
        secret_key=secret_key,
        sec_contact=get("SEC_CONTACT"),
        sec_data_url=get("SEC_DATA_URL", "https://data.sec.gov").rstrip("/"),
        sec_www_url=get("SEC_WWW_URL", "https://www.sec.gov").rstrip("/"),
        web_processes=whole("WEB_PROCESSES", 1, 1, 64),
        research_threads=whole("RESEARCH_THREADS", 2, 1, 64),
        log_format=log_format,
        api_limit=rate("API_LIMIT", "600 per minute"),
        page_limit=rate("PAGE_LIMIT", "1200 per minute"),
        rate_storage=_rate_storage(get("RATE_STORAGE", "memory://")),
        trusted_proxies=whole("TRUSTED_PROXIES", 0, 0, 9),
        trusted_hosts=_hosts("TRUSTED_HOSTS", get("TRUSTED_HOSTS")),
        link_hosts=_hosts("LINK_HOSTS", get("LINK_HOSTS")),
    )


def _database(url: str) -> str:
    """Where the database is. Raises SettingError, which does not repeat it: a password may be in it."""
    try:
        make_url(url).get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError):
        cure = "give sqlite:////a/path/research.db or postgresql+psycopg://USER:PASSWORD@HOST/NAME"
        raise SettingError(f"{PREFIX}DATABASE_URL is no address of a database: {cure}.") from None
    return url


def _rate_storage(uri: str) -> str:
    """Where requests are counted. Raises SettingError, which does not repeat it: a password may be in it."""
    name, cure = f"{PREFIX}RATE_STORAGE", "give memory:// or redis://HOST:PORT/NUMBER (rediss:// for TLS)"
    scheme, _, rest = uri.partition("://")
    if uri != "memory://" and (scheme not in RATE_STORES or not rest):
        raise SettingError(f"{name} cannot be used: {cure}.")
    if scheme in RATE_STORES:
        import limits.storage

        try:
            limits.storage.storage_from_string(uri)  # connects at the first request only
        except limits.errors.ConfigurationError:
            raise SettingError(f"{name} needs a package: pip install 'research-dashboard[redis]'.") from None
        except ValueError:
            raise SettingError(f"{name} cannot be used: {cure}.") from None
    return uri


def _hosts(setting: str, text: str) -> tuple[str, ...]:
    """Names of hosts, in lower case. Raises SettingError."""
    names = tuple(name.strip().lower() for name in text.split(",")) if text else ()
    for name in names:
        if not re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?|[0-9a-f:]+", name):
            cure = "give names without scheme and port, with commas between them: research.example.org,10.0.0.5"
            raise SettingError(f"{PREFIX}{setting} has {name[:100]!r}: {cure}.")
    return names


def _kept_secret(instance: Path) -> str:
    """The secret key made once into the instance folder, readable by its owner only."""
    path = instance / "secret_key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key
