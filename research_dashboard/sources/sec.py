"""The SEC's servers: a client with an identity, a shared limiter, retries, an HTTP cache, and errors in plain words."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx2
import stamina
from hishel import CacheOptions, SqliteStorage
from hishel.httpx2 import CacheTransport

from research_dashboard.base import utcnow
from research_dashboard.research.steps import CannotResearch
from research_dashboard.sources.limiter import Limiter, TooLongError

LARGEST = 512 * 1024 * 1024  # bytes of one answer unpacked; the largest companyfacts have some tens of millions
LARGEST_FILE = 4 * LARGEST  # bytes of a data set; the largest have some two hundred millions
CACHE_SIZE = 256 * 1024 * 1024
LONGEST_RETRY_AFTER = 30.0  # seconds a step waits for; beyond, it says when to come back
DEFAULT_PAUSE = 10.0
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})

OFF_CURE = "Give a contact on the settings page, or in RESEARCH_DASHBOARD_SEC_CONTACT."
LATER = "Try again in some minutes: the run goes on from this step."

Note = Callable[[int, int | None], None]  # bytes received, bytes in all where known


class SecError(CannotResearch):
    """The SEC gave no usable answer. `kind`: off, unreachable, sec_down, forbidden, rate_limited, not_found, no_xbrl,
    foreign_filer, truncated, invalid, unexpected."""


class _Refused(Exception):
    """An answer that is no 200."""

    def __init__(self, status: int, retry_after: float | None) -> None:
        super().__init__(str(status))
        self.status, self.retry_after = status, retry_after


class _Unreadable(Exception):
    """A 200 whose body is not the JSON it should be."""


class _TooLarge(Exception):
    """A body beyond any answer of the SEC."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach the SEC: who asks, where, and where answers are kept."""

    contact: str
    data_url: str
    www_url: str
    instance: Path
    attempts: int = 4
    first_wait: float = 0.5  # seconds before the second attempt; doubled each time
    timeout: float = 30.0


class SecClient:
    """Fetches from the SEC. Use it as a context manager, in one thread."""

    def __init__(self, access: Access, limiter: Limiter) -> None:
        if not access.contact:
            raise SecError("off", "Live SEC data is off.", OFF_CURE)
        self.access, self.limiter, self.requests = access, limiter, 0
        headers = {"User-Agent": f"Research Dashboard {access.contact}", "Accept-Encoding": "gzip"}
        network = _Limited(httpx2.HTTPTransport(), limiter, self._count)
        access.instance.mkdir(parents=True, exist_ok=True)
        storage = SqliteStorage(database_path=access.instance / "http-cache.db", max_size=CACHE_SIZE)
        cached = CacheTransport(network, storage, rfc=CacheOptions(shared=False))
        self._cached = httpx2.Client(transport=cached, headers=headers, timeout=access.timeout)
        self._plain = httpx2.Client(transport=network, headers=headers, timeout=access.timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._cached.close()
        self._plain.close()

    def _count(self) -> None:
        self.requests += 1

    def get_json(self, url: str, what: str, note: Note = lambda done, total: None) -> tuple[bytes, Any]:
        """The answer's bytes and what they say, numbers exact. `what` names it in errors. Raises SecError."""
        client = self._cached

        def once() -> tuple[bytes, Any]:
            nonlocal client
            body = self._body(client, url, note)
            try:
                return body, json.loads(body, parse_float=Decimal)
            except (ValueError, RecursionError):
                client = self._plain  # the cache holds the bad answer: ask past it
                raise _Unreadable from None

        result: tuple[bytes, Any] = self._tried(once, what)
        return result

    def _body(self, client: httpx2.Client, url: str, note: Note) -> bytes:
        with client.stream("GET", url) as response:
            if response.status_code != 200:
                raise _Refused(response.status_code, _retry_after(response))
            length = response.headers.get("Content-Length", "")
            total = int(length) if length.isdecimal() else None
            parts, size = [], 0
            for part in response.iter_bytes():
                parts.append(part)
                size += len(part)
                if size > LARGEST:
                    raise _TooLarge
                note(response.num_bytes_downloaded, total)
            return b"".join(parts)

    def download(self, url: str, path: Path, what: str, note: Note = lambda done, total: None) -> None:
        """Fetch a file to `path`; what an earlier try left in `path`.part is gone on with. Raises SecError."""
        part = path.with_name(path.name + ".part")

        def once() -> None:
            have = part.stat().st_size if part.exists() else 0
            headers = (
                {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}
            )
            with self._plain.stream("GET", url, headers=headers) as response:
                if response.status_code == 416:
                    part.unlink()
                    raise _Unreadable
                if response.status_code not in (200, 206):
                    raise _Refused(response.status_code, _retry_after(response))
                have = have if response.status_code == 206 else 0
                length = response.headers.get("Content-Length", "")
                total = have + int(length) if length.isdecimal() else None
                with part.open("ab" if have else "wb") as file:
                    for block in response.iter_raw():
                        file.write(block)
                        note(file.tell(), total)
                        if file.tell() > LARGEST_FILE:
                            part.unlink()
                            raise _TooLarge
            part.replace(path)

        path.parent.mkdir(parents=True, exist_ok=True)
        self._tried(once, what)

    def _tried(self, once: Callable[[], Any], what: str) -> Any:
        """Try, wait, try again; the last failure becomes a SecError."""
        try:
            for attempt in stamina.retry_context(
                on=self._again,
                attempts=self.access.attempts,
                timeout=None,
                wait_initial=self.access.first_wait,
                wait_max=LONGEST_RETRY_AFTER,
                wait_jitter=self.access.first_wait / 2,
            ):
                with attempt:
                    return once()
        except TooLongError as error:
            raise _rate_limited(what, error.seconds) from None
        except (_Refused, _Unreadable, _TooLarge, httpx2.HTTPError) as error:
            raise _in_words(error, what) from error
        raise AssertionError("a retry context ends with a result or an error")

    def _again(self, error: Exception) -> bool | float:
        """Whether to try again, or after how many seconds."""
        if isinstance(error, _Refused):
            if error.status not in TRANSIENT:
                return False
            wait = error.retry_after
            if error.status == 429:
                self.limiter.pause(DEFAULT_PAUSE * self.access.first_wait if wait is None else wait)
            if wait is not None:
                return wait if wait <= LONGEST_RETRY_AFTER else False
            return True
        return isinstance(error, _Unreadable | httpx2.TransportError)


class _Limited(httpx2.BaseTransport):
    """Lets each request that really goes out wait for its slot: what the cache answers needs none."""

    def __init__(self, network: httpx2.BaseTransport, limiter: Limiter, count: Callable[[], None]) -> None:
        self.network, self.limiter, self.count = network, limiter, count

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.limiter.wait()
        self.count()
        return self.network.handle_request(request)

    def close(self) -> None:
        self.network.close()


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds that the Retry-After header asks for, a number or a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - utcnow()).total_seconds()) if text else None
    except (TypeError, ValueError):
        return None


def _rate_limited(what: str, seconds: float | None) -> SecError:
    when = f"in {max(1, round(seconds / 60))} min" if seconds else "in ten minutes"
    return SecError("rate_limited", f"The SEC asks for a pause: no request for {what} was sent.", f"Try again {when}.")


def _in_words(error: Exception, what: str) -> SecError:
    """What went wrong at the SEC, for people: kind, cause, cure."""
    if isinstance(error, _Refused):
        if error.status == 403:
            return SecError(
                "forbidden",
                f"The SEC refused {what} (403).",
                "Check the contact on the settings page: a company's name and a mail address. After too many requests "
                "the SEC refuses for ten minutes.",
            )
        if error.status == 404:
            return SecError("not_found", f"The SEC does not have {what} (404).", "Check the company's CIK.")
        if error.status == 429:
            return _rate_limited(what, error.retry_after)
        if error.status >= 500:
            return SecError("sec_down", f"The SEC's server failed on {what} ({error.status}).", LATER)
        return SecError("unexpected", f"The SEC answered {what} with {error.status}.", LATER)
    if isinstance(error, _Unreadable):
        return SecError("invalid", f"The SEC's answer is not readable: {what} is no JSON.", LATER)
    if isinstance(error, _TooLarge):
        return SecError("invalid", f"The SEC's answer is too large: {what}.", "Check the address of the SEC's server.")
    if isinstance(error, httpx2.RemoteProtocolError | httpx2.DecodingError | httpx2.ReadError):
        return SecError("truncated", f"The SEC's answer broke off: {what} did not come whole.", LATER)
    return SecError(
        "unreachable",
        f"The SEC cannot be reached for {what} ({type(error).__name__}).",
        "Check the network connection, or choose another source: bundled and imported figures need no network.",
    )
