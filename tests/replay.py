"""A server on loopback that answers like the SEC, from bundled figures, and fails on demand."""

import contextlib
import gzip
import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from research_dashboard.sources.bundled import read_bundle


def companyfacts(cik: int, /, **changes: Any) -> dict[str, Any]:
    """A companyfacts answer with the bundled figures of a company."""
    facts: dict[str, Any] = {}
    for row in read_bundle().facts(cik):
        tag = facts.setdefault(row.taxonomy, {}).setdefault(
            row.tag, {"label": row.label, "description": "", "units": {}}
        )
        fact = {
            **({"start": str(row.start)} if row.start else {}),
            "end": str(row.end),
            "val": float(row.value) if row.value % 1 else int(row.value),
            "accn": row.accession,
            "fy": row.fy,
            "fp": row.fp,
            "form": row.form,
            "filed": str(row.filed),
        }
        tag["units"].setdefault(row.unit, []).append(fact)
    return {"cik": cik, "entityName": "A Co-registrant LLC", "facts": facts, **changes}


def submissions(cik: int, /, **changes: Any) -> dict[str, Any]:
    """A submissions answer for a bundled company."""
    bundle = read_bundle()
    identity = next(company for company in bundle.companies if company.cik == cik)
    filings = [filing for filing in bundle.filings if filing.cik == cik]
    recent = {
        "accessionNumber": [filing.accession for filing in filings],
        "form": [filing.form for filing in filings],
        "filingDate": [str(filing.filed) for filing in filings],
        "reportDate": [str(filing.report_date or "") for filing in filings],
        "primaryDocument": [filing.document or "" for filing in filings],
    }
    answer = {
        "cik": f"{cik:010}", "name": identity.name, "sic": str(identity.sic),
        "sicDescription": identity.sic_description,
        "ownerOrg": f"06 {identity.office}", "tickers": list(identity.tickers), "exchanges": [identity.exchange],
        "category": identity.category, "fiscalYearEnd": identity.fiscal_year_end, "formerNames": [],
        "addresses": {"business": {"city": identity.city, "stateOrCountry": identity.state}},
        "stateOfIncorporation": identity.state_of_incorporation, "filings": {"recent": recent, "files": []},
    }  # fmt: skip
    return {**answer, **changes}


@cache
def _answers(cik: int) -> tuple[bytes, bytes]:
    return json.dumps(submissions(cik)).encode(), json.dumps(companyfacts(cik)).encode()


def paths(cik: int) -> tuple[str, str]:
    """The two addresses of a company's answers."""
    return f"/submissions/CIK{cik:010}.json", f"/api/xbrl/companyfacts/CIK{cik:010}.json"


Fault = Callable[[BaseHTTPRequestHandler, bytes], None]  # answers in the SEC's place


def status(code: int, **headers: str) -> Fault:
    """An answer with this status."""

    def answer(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def cut(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Half of the body, and the line goes dead."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body[: len(body) // 2])
    handler.close_connection = True


def garbage(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """A page for people where JSON should be."""
    text = b"<html>Your Request Originates from an Undeclared Automated Tool</html>"
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(text)))
    handler.send_header("ETag", '"garbage"')
    handler.end_headers()
    handler.wfile.write(text)


@dataclass
class Replay:
    """The server: `answers` by path, `faults` by path (the first is used up first), `seen` requests."""

    url: str = ""
    answers: dict[str, bytes] = field(default_factory=dict)
    faults: dict[str, list[Fault]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str], int]] = field(default_factory=list)

    def give(self, *ciks: int) -> None:
        """Answer for these bundled companies."""
        for cik in ciks:
            about, figures = paths(cik)
            self.answers[about], self.answers[figures] = _answers(cik)


@contextlib.contextmanager
def replay() -> Iterator[Replay]:
    """Run the server while the block runs."""
    state = Replay()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def note(self, code: int) -> None:
            """Write the request down before it is answered: who has the answer finds it in `seen`."""
            state.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}, code))

        def do_GET(self) -> None:
            body = state.answers.get(self.path)
            if state.faults.get(self.path):
                self.note(0)
                state.faults[self.path].pop(0)(self, body or b"{}" * 1000)
                return
            if body is None:
                self.note(404)
                status(404)(self, b"")
                return
            tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
            if self.headers.get("If-None-Match") == tag:
                self.note(304)
                self.send_response(304)
                self.send_header("ETag", tag)
                self.end_headers()
                return
            self.note(200)
            wanted = self.headers.get("Range", "")
            start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
            packed = "gzip" in self.headers.get("Accept-Encoding", "")
            content = gzip.compress(body) if packed else body[start:]
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(content)))
            if packed:
                self.send_header("Content-Encoding", "gzip")
            self.send_header("ETag", tag)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
