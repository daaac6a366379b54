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

A script's work matters more than its record: with `soft=True` a server that cannot be reached is a warning, the work
goes on and the record is left as far as it got. Otherwise ApiError is raised. Requests that fail on the way are sent
again with the same Idempotency-Key, so that nothing is logged twice.
"""

import time
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Self

import httpx2

ATTEMPTS = 3
PAUSE = 0.2  # seconds before the second attempt, doubled for each further one
PASSING = frozenset({429, 502, 503, 504})


class ApiError(Exception):
    """The server refused, or could not be reached. `problem` is what it said (RFC 9457), empty when it said nothing."""

    def __init__(self, message: str, status: int | None = None, problem: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status, self.problem = status, dict(problem or {})


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
            yield from answer.json()
            path, params = answer.links.get("next", {}).get("url", ""), None

    def get(self, run_id: int, *, include: Sequence[str] = ()) -> dict[str, Any]:
        """One run; `include` names what comes with it: details, results. Raises ApiError."""
        found: dict[str, Any] = self._send(
            "GET", f"/api/research_runs/{run_id}", params={"include": ",".join(include)} if include else None
        ).json()
        return found

    def companies(self, text: str) -> list[dict[str, Any]]:
        """Companies that fit a part of a name, a ticker or a CIK. Raises ApiError."""
        found: list[dict[str, Any]] = self._send("GET", "/api/companies/", params={"q": text}).json()
        return found

    # The built-in research

    def research(self, company: str | int, *, wait: float = 60.0, **options: Any) -> dict[str, Any]:
        """Have the server research a company and wait until it has, at most `wait` seconds; the run as it is then.

        `options`: peers, as_of, source, as POST /api/research takes them. Raises ApiError.
        """
        run: dict[str, Any] = self._send("POST", "/api/research/", json={"company": company, **options}).json()
        end = time.monotonic() + wait
        while run["status"] in ("Queued", "Running", "Cancelling") and time.monotonic() < end:
            time.sleep(0.1)
            run = self.get(run["id"])
        return run

    # Logging one's own

    def log(self, runs: Sequence[Mapping[str, Any]], *, atomic: bool = True) -> dict[str, Any]:
        """Log up to 10,000 runs that are over, with their details and results. Raises ApiError."""
        path = f"/api/research_runs/bulk?atomic={'true' if atomic else 'false'}"
        answered: dict[str, Any] = self._send("POST", path, json=list(runs)).json()
        return answered

    @contextmanager
    def run(self, company: str, *, researcher: str | None = None) -> Iterator["Run"]:
        """Log a run while it goes on. Raises ApiError, unless the client is soft."""
        run = Run(self, company, researcher or self.researcher)
        try:
            yield run
        except KeyboardInterrupt:
            run._end("Cancelled")
            raise
        except BaseException as error:
            run._end("Failed", error)
            raise
        run._end("Completed")

    def _send(self, method: str, path: str, **what: Any) -> httpx2.Response:
        """The answer. A server that is busy or out of reach is asked again. Raises ApiError."""
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._http.request(method, path, headers=headers, **what)
            except httpx2.TransportError as error:
                if attempt == ATTEMPTS:
                    raise ApiError(f"{self._http.base_url} cannot be reached: {error}") from error
            else:
                if answer.status_code not in PASSING or attempt == ATTEMPTS:
                    return _checked(answer)
            time.sleep(PAUSE * 2 ** (attempt - 1))
        raise AssertionError("every attempt returns or raises")

    def _log(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any] | None:
        """Log something: what was stored, or None when the client is soft and it could not be."""
        try:
            stored: dict[str, Any] = self._send(method, path, json=body).json()
        except ApiError as error:
            if not self.soft:
                raise
            warnings.warn(f"Not on record: {error}", stacklevel=4)
            return None
        return stored


def _checked(answer: httpx2.Response) -> httpx2.Response:
    """The answer when it is a good one. Raises ApiError with the server's own words."""
    if answer.is_success:
        return answer
    problem: dict[str, Any] = {}
    if answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        problem = answer.json()
    said = problem.get("detail") or answer.reason_phrase
    raise ApiError(
        f"{answer.request.method} {answer.url.path}: {answer.status_code} {said}", answer.status_code, problem
    )


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
        try:
            yield
        except KeyboardInterrupt:
            self._end_step(stored, "Cancelled")
            raise
        except BaseException:
            self._end_step(stored, "Failed")
            raise
        self._end_step(stored, "Completed")

    def result(self, result_type: str, data: Any) -> None:
        """Log a result: any JSON."""
        if self.id is not None:
            body = {"research_run_id": self.id, "result_type": result_type, "result_data": data}
            self._client._log("POST", "/api/research_results/", body)

    def _end_step(self, stored: Mapping[str, Any] | None, status: str) -> None:
        if stored is not None:
            path = f"/api/research_runs/{self.id}/details/{stored['position']}"
            self._client._log("PATCH", path, {"status": status, "end_time": _now()})

    def _end(self, status: str, error: BaseException | None = None) -> None:
        if self.id is not None:
            body: dict[str, Any] = {"status": status, "insights": self.insights}
            if error is not None:
                words = " ".join(f"{type(error).__name__}: {error}".split())
                body["error_message"] = "".join(c for c in words if c.isprintable())[:2000]
            self._client._log("PATCH", f"/api/research_runs/{self.id}", body)


def _now() -> str:
    return datetime.now(UTC).isoformat()
