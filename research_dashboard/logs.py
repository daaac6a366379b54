"""The log (P15, D23): one line an event, to INSTANCE/logs and the console, rotating, safe against forged lines.

Several processes write the same file: a line is one write() on a file opened for appending, and who finds the file
too large moves it away under a lock; the others notice that the file's name points elsewhere and open it anew.
"""

import contextlib
import fcntl
import logging
import os
import re
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from flask import Flask, g, has_request_context

from research_dashboard.memory import without
from research_dashboard.settings import Settings

with without("rich"):  # what it would draw tracebacks with, where it happens to be installed: 5 MB
    import structlog
    from structlog.typing import EventDict, FilteringBoundLogger

NAME = "research_dashboard"
logger: FilteringBoundLogger = structlog.get_logger(NAME)

MAX_BYTES, KEEP = 10 * 1024 * 1024, 5
CLOSED = -1  # no file is open
# What could start a new line, move the cursor, or hide or reorder what stands in the line.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_PLAIN = re.compile(r"[\w./:@+%,-]+\Z")


def request_id() -> str:
    """This request's number, as 7f3a-19c2: in the log, in X-Request-ID and on every error. Empty outside a request."""
    if not has_request_context():
        return ""
    if "request_id" not in g:
        g.request_id = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}"
    number: str = g.request_id
    return number


def escape(text: str) -> str:
    r"""The text on one line: a newline becomes \n, another control character \x1b or \u202e."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _value(value: Any) -> str:
    """A value as it stands after its key: quoted where it could be mistaken for more than one."""
    text = str(value)
    return text if _PLAIN.match(text) else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _add_name(_logger: Any, method: str, event: EventDict) -> EventDict:
    event["logger"], event["level"] = NAME, method
    return event


def _add_request_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if number := request_id():
        event["request_id"] = number
    return event


def _as_text(_logger: Any, _method: str, event: EventDict) -> str:
    """“time – name – level – message key=value”, as the seed wrote it, on one line whatever was sent."""
    moment = event.pop("timestamp")
    level, name = event.pop("level").upper(), event.pop("logger", NAME)
    words = [str(event.pop("event")), *(f"{key}={_value(value)}" for key, value in event.items())]
    return escape(f"{moment} - {name} - {level} - {' '.join(words)}")


def _as_json(_logger: Any, _method: str, event: EventDict) -> str:
    return structlog.processors.JSONRenderer(ensure_ascii=True)(_logger, _method, event).__str__()


class LogFile(logging.Handler):
    """Writes each event to the console and to a file that several processes share, and rotates the file."""

    def __init__(self, path: Path, max_bytes: int = MAX_BYTES, keep: int = KEEP, *, console: bool = True) -> None:
        super().__init__()
        self.render: Callable[[Any, str, EventDict], str] = _as_text
        self.path, self.max_bytes, self.keep, self.console = path, max_bytes, keep, console
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = self._open()
        self._looked = 0.0

    def _open(self) -> int:
        return os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)

    def emit(self, record: logging.LogRecord) -> None:
        """An event of another package, or of the standard library's logging."""
        try:
            self._write(self.format(record) + "\n")
        except OSError:
            self.handleError(record)

    def event(self, event: EventDict) -> None:
        """One event, one line, one write. A full disk must not take the program down with it."""
        line = f"{self.render(None, '', event)}\n"
        with self.lock or contextlib.nullcontext(), contextlib.suppress(OSError):
            self._write(line)

    def _write(self, line: str) -> None:
        if self.console:
            with contextlib.suppress(ValueError, OSError):  # a console that was closed
                sys.stderr.write(line)
        if self._descriptor == CLOSED:
            self._descriptor = self._open()
        self._turn()
        os.write(self._descriptor, line.encode(errors="backslashreplace"))

    def _turn(self) -> None:
        """Rotate when the file is too large; follow when another process did. Looked at once a second."""
        now = time.monotonic()
        large = os.fstat(self._descriptor).st_size >= self.max_bytes
        if not large and now - self._looked < 1:
            return
        self._looked = now
        with self._lock_between_processes():
            if not self._is_current():
                os.close(self._descriptor)
                self._descriptor = self._open()
            if os.fstat(self._descriptor).st_size < self.max_bytes:
                return
            for number in range(self.keep - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    os.replace(f"{self.path}.{number}", f"{self.path}.{number + 1}")
            os.replace(self.path, f"{self.path}.1")
            os.close(self._descriptor)
            self._descriptor = self._open()

    def _is_current(self) -> bool:
        try:
            return os.path.samestat(os.stat(self.path), os.fstat(self._descriptor))
        except FileNotFoundError:
            return False

    @contextlib.contextmanager
    def _lock_between_processes(self) -> Iterator[None]:
        descriptor = os.open(f"{self.path}.lock", os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Close the file, once: its number may be another file's by the second time. The next line opens it again.

        logging.config closes every handler there is (granian configures it), also those that go on.
        """
        descriptor, self._descriptor = self._descriptor, CLOSED
        if descriptor != CLOSED:
            os.close(descriptor)
        super().close()


def _whole(_logger: Any, _method: str, event: EventDict) -> tuple[tuple[EventDict], dict[str, Any]]:
    """The event as the argument of _Lines: the file renders it."""
    return (event,), {}


class _Lines:
    """Where our own events go: straight to the file, without a LogRecord on the way (half of what they cost)."""

    def msg(self, event: EventDict) -> None:
        """Write the event as a line."""
        for handler in logging.getLogger(NAME).handlers:
            if isinstance(handler, LogFile):
                handler.event(event)

    debug = info = warning = error = critical = exception = fatal = msg


def set_up(path: Path, log_format: str = "text", *, console: bool = True) -> LogFile:
    """Send this process's log to the file and the console; what was set up before is given back."""
    stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
    exception = structlog.processors.format_exc_info
    render = _as_json if log_format == "json" else _as_text
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _add_request_id, _add_name, stamp, exception, _whole],
        logger_factory=lambda *_names: _Lines(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    handler = LogFile(path, console=console)
    handler.render = render
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                _add_request_id,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                stamp,
            ],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, exception, render],
        )
    )
    ours = logging.getLogger(NAME)
    for old in [each for each in ours.handlers if isinstance(each, LogFile)]:
        ours.removeHandler(old)
        old.close()
    ours.addHandler(handler)
    ours.setLevel(logging.INFO)
    ours.propagate = False
    return handler


def init_app(app: Flask, settings: Settings) -> None:
    """Send the program's log to a rotating file and the console, in the format the settings ask for."""
    set_up(settings.instance / "logs" / "research_dashboard.log", settings.log_format, console=not app.testing)
