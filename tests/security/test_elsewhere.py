"""What comes from elsewhere or goes into another program: the SEC's answers, the typesetter, the spreadsheet."""

import gzip
import io
import zipfile
from functools import partial
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pypdfium2
import pytest

from research_dashboard.reports import markdown, pdf, xlsx
from research_dashboard.reports.build import build
from research_dashboard.sources import sec
from research_dashboard.sources.limiter import FileLimiter
from research_dashboard.sources.sec import Access, SecClient, SecError
from tests.replay import Replay, replay, status
from tests.security.payloads import FORMULAS
from tests.test_report_files import RUN, results, sheets


def asked(tmp_path: Path, server: Replay, way: str) -> SecError:
    """What is said of an answer that cannot be taken, whether it was JSON that was wanted or a file."""
    access = Access("Ann ann@example.com", server.url, server.url, tmp_path, attempts=1)
    with SecClient(access, FileLimiter(tmp_path / "limit", per_second=1000)) as client:
        ask = client.get_json if way == "json" else partial(client.download, path=tmp_path / "file.zip")
        with pytest.raises(SecError) as caught:
            ask(f"{server.url}/x", what="what was asked for")
    return caught.value


@pytest.mark.parametrize("way", ["json", "file"])
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_anywhere(tmp_path: Path, way: str, code: int) -> None:
    with replay() as server, replay() as elsewhere:
        elsewhere.answers["/secret"] = b'{"a": 1}'
        for target in (f"{elsewhere.url}/secret", "file:///etc/passwd", "/secret", "http://169.254.169.254/latest/"):
            server.answers["/x"] = b"{}"
            server.faults["/x"] = [status(code, Location=target)]
            assert asked(tmp_path, server, way).kind == "unexpected"
        assert elsewhere.seen == []
        assert [path for path, *_ in server.seen] == ["/x"] * 4
    assert not (tmp_path / "file.zip").exists()


def swells(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    """A small answer that unpacks to a large one."""
    packed = gzip.compress(b"[" + b"0," * 2_000_000 + b"0]")
    handler.send_response(200)
    handler.send_header("Content-Encoding", "gzip")
    handler.send_header("Content-Length", str(len(packed)))
    handler.end_headers()
    handler.wfile.write(packed)


def endless(handler: BaseHTTPRequestHandler, _body: bytes) -> None:
    """An answer that does not say how long it is, and goes on until nobody listens."""
    handler.send_response(200)
    handler.end_headers()
    handler.close_connection = True
    try:
        while True:
            handler.wfile.write(b" " * 65536)
    except OSError:
        return


@pytest.mark.parametrize(("fault", "way"), [(swells, "json"), (endless, "json"), (endless, "file")])
def test_an_answer_beyond_any_of_the_secs_is_broken_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: object, way: str
) -> None:
    monkeypatch.setattr(sec, "LARGEST", 1_000_000)
    monkeypatch.setattr(sec, "LARGEST_FILE", 1_000_000)
    with replay() as server:
        server.answers["/x"] = b"{}"
        server.faults["/x"] = [fault]  # type: ignore[list-item]
        found = asked(tmp_path, server, way)
    assert (found.kind, "too large" in str(found)) == ("invalid", True)
    assert not list(tmp_path.glob("file.zip*"))


TYPST = [
    *('#read("/etc/passwd")', '#image("/etc/passwd")', '#eval("1+1")', '#include "/etc/passwd"', "#panic(1)"),
    *("= Heading *bold* _it_ `raw` $x^2$ @label <label> // note", "#{ while true {} }", "#set page(width: 1pt)"),
    *("\\u{1F600} \\ ~ --- ... [x] #[x]", '#link("https://evil.example")[x]', ']#read("report.typ")['),
]


@pytest.mark.parametrize("text", TYPST)
def test_what_a_company_is_called_is_text_to_the_typesetter(text: str) -> None:
    data = results()
    data["company_profile"]["name"] = text
    with pypdfium2.PdfDocument(pdf.write(build(RUN, data))) as document:
        pages = [page.get_textpage().get_text_range() for page in document]
        words = "".join("".join(pages).split())
        assert "".join(text.split()) in words
        assert "root:" not in words
        assert len(pages) > 2


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_text_in_the_workbook_and_in_markdown(text: str) -> None:
    data = results()
    data["company_profile"]["name"] = text
    assert text.strip() in str(sheets(data)["Summary"][0][0])
    with zipfile.ZipFile(io.BytesIO(xlsx.write(build(RUN, data), data))) as book:
        written = "".join(book.read(name).decode() for name in book.namelist() if name.endswith(".xml"))
    assert "<f>HYPERLINK" not in written
    assert "<f>cmd" not in written
    assert "ddeLink" not in written
    assert markdown.write(build(RUN, data))
