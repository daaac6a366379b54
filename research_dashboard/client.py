"""A client for the API, for scripts that log what they research.

    from research_dashboard.client import Client

    with Client("http://127.0.0.1:8000", researcher="ann") as client, client.run("Acme") as run:
        with run.step("Fetch"):
            pages = fetch()
        with run.step("Read"):
            run.result("market_position", {"market_share": 12.5, "competitors": ["Bolt"]})
            run.insights += 3

The run stands on record as Running from its first line, each step as it happens. It ends as Completed, or as Failed
with the exception's words when one passes through; Ctrl-C makes it Cancelled. The exception goes on its way.

A script's work matters more than its record. With `soft=True` what cannot be logged is a warning and the work goes on;
after the first request that finds no server the client says so and is quiet for a while, so that a server that is away
costs one timeout and not one for each step. Otherwise ApiError is raised; `kind` says what went wrong.

Requests that fail on the way, or find the server busy, are sent again, as late as it asks for (Retry-After), with the
same Idempotency-Key, so that nothing is done twice.
"""

import json
import time
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self

import httpx2

ATTEMPTS = 4
PAUSE = 0.2  # seconds before the second attempt, doubled for each further one; the server may ask for more
PATIENCE = 60.0  # seconds that a request is tried for, pauses included
QUIET = 30.0  # seconds that a soft client does not ask for a server it did not find
PASSING = frozenset({429, 502, 503, 504})
UNREACHABLE, UNREADABLE, NOT_JSON = "unreachable", "unreadable", "not-json"  # kinds of this side


class ApiError(Exception):
    """The server refused, could not be reached, or said what cannot be read.

    `kind` is the problem's type without its address (invalid-input, not-found, …), or: unreachable (no server
    answered), unreadable (an answer that is not this API's), not-json (what was to be sent). `status` is the answer's,
    None without one; `problem` what it said (RFC 9457), `errors` its fields; `retry_after` the seconds it asked for.
    """

    def __init__(
        self,
        message: str,
        kind: str,
        status: int | None = None,
        problem: Mapping[str, Any] | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.status, self.problem, self.retry_after = kind, status, dict(problem or {}), retry_after

    @property
    def errors(self) -> list[dict[str, str]]:
        """The fields that were refused: field and detail of each."""
        found = self.problem.get("errors")
        return found if isinstance(found, list) else []


class NotOnRecord(UserWarning):
    """Something was not logged by a soft client; the text says why."""


class Client:
    """The API of one server. Close it, or use it as a context manager."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        token: str | None = None,
        researcher: str = "script",
        soft: bool = False,
        timeout: float = 10.0,
        transport: httpx2.BaseTransport | None = None,
    ) -> None:
        headers = {"Accept": "application/json", "User-Agent": "research-dashboard-client"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        self.researcher, self.soft = researcher, soft
        self._timeout, self._quiet_until = timeout, 0.0
        self._http = httpx2.Client(base_url=url, headers=headers, timeout=timeout, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # Reading

    def runs(self, **filters: str | int) -> Iterator[dict[str, Any]]:
        """Every run of the filter, newest first, page by page; the filters are those of GET /api/research_runs/."""
        params: Mapping[str, str | int] | None = {"limit": 1000, **filters, "cursor": "*"}
        path = "/api/research_runs/"
        while path:
            answer = self._send("GET", path, params=params)
            yield from _value(answer)
            path, params = answer.links.get("next", {}).get("url", ""), None

    def get(self, run_id: int, *, include: Sequence[str] = ()) -> dict[str, Any]:
        """One run; `include` names what comes with it: details, results. Raises ApiError."""
        params = {"include": ",".join(include)} if include else None
        found: dict[str, Any] = _value(self._send("GET", f"/api/research_runs/{run_id}", params=params))
        return found

    def companies(self, text: str) -> list[dict[str, Any]]:
        """Companies that fit a part of a name, a ticker or a CIK. Raises ApiError."""
        found: list[dict[str, Any]] = _value(self._send("GET", "/api/companies/", params={"q": text}))
        return found

    # The built-in research

    def research(self, company: str | int, *, wait: float = 60.0, **options: Any) -> dict[str, Any]:
        """Have the server research a company and wait until it has, at most `wait` seconds; the run as it is then.

        `options`: peers, as_of, source, as POST /api/research takes them. Raises ApiError.
        """
        run: dict[str, Any] = _value(self._send("POST", "/api/research/", {"company": company, **options}))
        end = time.monotonic() + wait
        while run["status"] in ("Queued", "Running", "Cancelling") and time.monotonic() < end:
            time.sleep(0.1)
            run = self.get(run["id"])
        return run

    # Logging one's own

    def log(self, runs: Sequence[Mapping[str, Any]], *, atomic: bool = True) -> dict[str, Any]:
        """Log up to 10,000 runs that are over, with their details and results. Raises ApiError."""
        path = f"/api/research_runs/bulk?atomic={'true' if atomic else 'false'}"
        answered: dict[str, Any] = _value(self._send("POST", path, list(runs)))
        return answered

    @contextmanager
    def run(self, company: str, *, researcher: str | None = None) -> Iterator["Run"]:
        """Log a run while it goes on. Raises ApiError, unless the client is soft."""
        run = Run(self, company, researcher or self.researcher)
        with _ended(run._end):
            yield run

    def _send(
        self, method: str, path: str, body: Any = None, *, params: Any = None, patience: float = PATIENCE
    ) -> httpx2.Response:
        """The answer, a good one. A server that is busy or out of reach is asked again. Raises ApiError."""
        headers, content = {}, None
        if method != "GET":
            headers, content = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}, _text(body)
        end, attempt = time.monotonic() + patience, 0
        while True:
            attempt += 1
            try:
                left = min(self._timeout, end - time.monotonic())
                answer = self._http.request(
                    method, path, headers=headers, params=params, content=content, timeout=max(left, 0.1)
                )
            except (httpx2.RequestError, httpx2.InvalidURL) as error:
                why = str(error) or type(error).__name__
                failed = ApiError(f"{self._http.base_url} cannot be reached: {why}", UNREACHABLE)
            else:
                if answer.is_success:
                    return answer
                failed = _refusal(answer)
                if answer.status_code not in PASSING:
                    raise failed
            pause = max(PAUSE * 2 ** (attempt - 1), failed.retry_after or 0)
            if attempt == ATTEMPTS or time.monotonic() + pause > end:
                raise failed
            time.sleep(pause)

    def _log(self, method: str, path: str, body: Mapping[str, Any], *, last: bool = False) -> dict[str, Any] | None:
        """Log something: what was stored, or None when the client is soft and it could not be.

        The `last` thing of a run is tried even when the client is quiet, for it may find the server back.
        """
        if not self.soft:
            return _object(self._send(method, path, body))
        if time.monotonic() < self._quiet_until and not last:
            return None
        began = time.monotonic()
        try:
            return _object(self._send(method, path, body, patience=self._timeout))
        except ApiError as error:
            told = f"Not on record: {error}"
            if error.kind == UNREACHABLE or error.status in PASSING:
                self._quiet_until = time.monotonic() + QUIET
                told += f" ({time.monotonic() - began:.1f} s); nothing is logged for the next {QUIET:.0f} s."
            warnings.warn(told, NotOnRecord, stacklevel=4)
            return None


@contextmanager
def _ended(end: Callable[[str, BaseException | None], None]) -> Iterator[None]:
    """Log how what is done below ended. Its own exception goes on its way, whatever becomes of the log."""
    try:
        yield
    except BaseException as error:
        over = isinstance(error, SystemExit) and error.code in (None, 0)
        stopped = isinstance(error, KeyboardInterrupt)
        try:
            if over:
                end("Completed", None)
            else:
                end("Cancelled" if stopped else "Failed", None if stopped else error)
        except ApiError as unlogged:
            error.add_note(f"Not on record: {unlogged}")
        raise
    end("Completed", None)


def _text(body: Any) -> bytes:
    """The body as JSON. Raises ApiError when it is none, before anything is sent."""
    try:
        return json.dumps(body, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ApiError(f"What is to be sent is not JSON: {error}", NOT_JSON) from error


def _value(answer: httpx2.Response) -> Any:
    """The JSON of a good answer. Raises ApiError when it is none: something else answers at this address."""
    try:
        return answer.json()
    except ValueError:
        where = f"{answer.request.method} {answer.url.path}"
        said = answer.headers.get("Content-Type", "no Content-Type")
        raise ApiError(f"{where}: the answer is not JSON ({said})", UNREADABLE, answer.status_code) from None


def _object(answer: httpx2.Response) -> dict[str, Any]:
    """The stored thing of a good answer. Raises ApiError."""
    found = _value(answer)
    if not isinstance(found, dict) or "id" not in found:
        raise ApiError(f"{answer.url.path}: the answer is not what this API gives", UNREADABLE, answer.status_code)
    return found


def _refusal(answer: httpx2.Response) -> ApiError:
    """The error of an answer that is not a good one, with the server's own words as far as they can be read."""
    problem: Any = {}
    if answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        try:
            problem = answer.json()
        except ValueError:
            problem = {}
    problem = problem if isinstance(problem, dict) else {}
    kind = str(problem.get("type") or UNREADABLE).rsplit("/", 1)[-1]
    said = problem.get("detail") or answer.reason_phrase
    message = f"{answer.request.method} {answer.url.path}: {answer.status_code} {said}"
    return ApiError(message, kind, answer.status_code, problem, _seconds(answer.headers.get("Retry-After")))


def _seconds(retry_after: str | None) -> float | None:
    """What Retry-After asks for: seconds, or a moment (RFC 9110). None when it says nothing that can be read."""
    if not retry_after:
        return None
    try:
        if retry_after.strip().isdecimal():
            return float(retry_after)
        moment = parsedate_to_datetime(retry_after)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


class Run:
    """A run that is being logged. `id` is None when a soft client could not log it; set `insights` as you find them."""

    def __init__(self, client: Client, company: str, researcher: str) -> None:
        self._client = client
        self.company, self.insights = company, 0
        body = {"company": company, "researcher": researcher, "duration_mins": 0, "status": "Running", "insights": 0}
        stored = client._log("POST", "/api/research_runs/", body)
        self.id: int | None = stored["id"] if stored else None

    @contextmanager
    def step(self, name: str, message: str | None = None) -> Iterator[None]:
        """Log a step: Running now, Completed at its end, Failed when an exception passes through."""
        stored = None
        if self.id is not None:
            body = {"research_run_id": self.id, "step_name": name, "start_time": _now(), "status": "Running"}
            told = {"message": message} if message else {}
            stored = self._client._log("POST", "/api/research_details/", body | told)

        def end(status: str, _error: BaseException | None) -> None:
            if stored is not None:
                path = f"/api/research_runs/{self.id}/details/{stored['position']}"
                self._client._log("PATCH", path, {"status": status, "end_time": _now()})

        with _ended(end):
            yield

    def result(self, result_type: str, data: Any) -> None:
        """Log a result: any JSON."""
        if self.id is not None:
            body = {"research_run_id": self.id, "result_type": result_type, "result_data": data}
            self._client._log("POST", "/api/research_results/", body)

    def _end(self, status: str, error: BaseException | None) -> None:
        if self.id is not None:
            body: dict[str, Any] = {"status": status, "insights": self.insights}
            if error is not None:
                words = " ".join(f"{type(error).__name__}: {error}".split())
                body["error_kind"] = type(error).__name__[:200]
                body["error_message"] = "".join(c for c in words if c.isprintable())[:2000]
            self._client._log("PATCH", f"/api/research_runs/{self.id}", body, last=True)


def _now() -> str:
    return datetime.now(UTC).isoformat()
