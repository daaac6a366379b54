"""Files that mean harm: zips that swell or point elsewhere, CSV that is none, JSON that goes too deep."""

import stat
import struct
import zipfile
from collections.abc import Callable
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from research_dashboard.queries.companies import stock
from research_dashboard.services import records
from research_dashboard.sources.imported import DataSet, UnusableDataSet
from research_dashboard.sources.uploaded import BadUploadError, read_upload
from tests.test_import import ASSETS, REVENUES, data_set
from tests.test_uploads import GOOD, HEAD

Members = dict[str, bytes]


def members_of(folder: Path) -> Members:
    """The files of a data set that is good."""
    with zipfile.ZipFile(data_set(folder / "good.zip", [REVENUES, ASSETS])) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, members: Members, how: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def _nested(path: Path, good: Members) -> None:
    inner = BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("sub.txt", b"0" * 20_000_000)
    packed(path, {"sub.txt": inner.getvalue(), "num.txt": good["num.txt"], "tag.txt": good["tag.txt"]})


def _symlink(path: Path, good: Members) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("sub.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, b"/etc/passwd")
        for name in ("num.txt", "tag.txt"):
            archive.writestr(name, good[name])


def _says_less_than_it_is(path: Path, good: Members) -> None:
    """The directory says ten bytes where many are packed."""
    content = bytearray(packed(path, good | {"num.txt": good["num.txt"] * 1000}).read_bytes())
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"num.txt"))
    content[at + 24 : at + 28] = struct.pack("<I", 10)
    path.write_bytes(content)


def _unknown_method(path: Path, good: Members) -> None:
    content = bytearray(packed(path, good).read_bytes())
    for mark, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        at = content.rindex(mark, 0, content.rindex(b"num.txt") if offset == 10 else content.index(b"num.txt"))
        content[at + offset : at + offset + 2] = struct.pack("<H", 97)
    path.write_bytes(content)


def _encrypted(path: Path, good: Members) -> None:
    content = bytearray(packed(path, good).read_bytes())
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(b"num.txt"))
    content[at + 8] |= 1
    path.write_bytes(content)


def _broken_stream(how: int) -> Callable[[Path, Members], None]:
    def write(path: Path, good: Members) -> None:
        content = bytearray(packed(path, good, how).read_bytes())
        at = content.index(b"num.txt") + len("num.txt")
        content[at + 4 : at + 24] = b"\xff" * 20
        path.write_bytes(content)

    return write


ZIPS: dict[str, tuple[Callable[[Path, Members], object], str]] = {
    "swells a thousand times": (lambda p, g: packed(p, g | {"num.txt": b"0" * 30_000_000}), "would unpack to"),
    "one endless header": (lambda p, g: packed(p, g | {"num.txt": b"0" * 9_000_000}), "num.txt"),
    "one endless line": (lambda p, g: packed(p, g | {"num.txt": g["num.txt"] + b"0" * 9_000_000}), "megabyte"),
    "a zip in the zip": (_nested, "no column adsh"),
    "thousands of files": (lambda p, g: packed(p, g | {f"{n}": b"" for n in range(5000)}), "more than 100 files"),
    "two of a name": (lambda p, g: packed(p, g | {"x/sub.txt": g["sub.txt"]}), "holds 2 sub.txt"),
    "backslashes": (lambda p, g: packed(p, {f"..\\{n}": c for n, c in g.items()}), "holds no sub.txt"),
    "other case": (lambda p, g: packed(p, {n.upper(): c for n, c in g.items()}), "holds no sub.txt"),
    "a link": (_symlink, "no column adsh"),
    "says less than it is": (_says_less_than_it_is, "damaged"),
    "unknown method": (_unknown_method, "damaged"),
    "encrypted": (_encrypted, "encrypted"),
    "broken deflate": (_broken_stream(zipfile.ZIP_DEFLATED), "damaged"),
    "broken lzma": (_broken_stream(zipfile.ZIP_LZMA), "damaged"),
    "broken bzip2": (_broken_stream(zipfile.ZIP_BZIP2), "damaged"),
    "utf-16": (lambda p, g: packed(p, {n: c.decode().encode("utf-16") for n, c in g.items()}), "no column"),
}


@pytest.mark.parametrize("case", ZIPS)
def test_a_zip_that_is_no_data_set_is_refused_with_its_reason(in_app: Flask, tmp_path: Path, case: str) -> None:
    write, reason = ZIPS[case]
    path = tmp_path / "hostile.zip"
    write(path, members_of(tmp_path))
    result = in_app.test_cli_runner().invoke(args=["companies", "import", str(path)])
    assert (result.exit_code, isinstance(result.exception, SystemExit)) == (1, True), result.exception
    assert reason in result.output
    assert stock().facts == 0


@pytest.mark.parametrize("folder", ["../../..", "/etc", "/", "..", "C:", "~", "\x01", "ä/\u202e"])
def test_where_the_zip_says_its_files_lie_does_not_matter_for_nothing_is_unpacked(tmp_path: Path, folder: str) -> None:
    path = packed(tmp_path / "x.zip", {f"{folder}/{name}": text for name, text in members_of(tmp_path).items()})
    before = sorted(tmp_path.rglob("*"))
    with DataSet(path) as data:
        assert sum(len(batch.numbers) for batch in data.batches()) == 2
    assert sorted(tmp_path.rglob("*")) == before


def test_a_zip_of_nothing_but_a_directory_is_none(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(b"PK\x05\x06" + b"\0" * 18)
    with pytest.raises(UnusableDataSet, match=r"holds no sub\.txt"):
        DataSet(path)


# CSV

CSVS: dict[str, bytes] = {
    "utf-16": (HEAD + GOOD).encode("utf-16"),
    "utf-16 without a mark": (HEAD + GOOD).encode("utf-16-le"),
    "utf-32": (HEAD + GOOD).encode("utf-32"),
    "utf-7": (HEAD + GOOD.replace("Acme", "+ADw-script+AD4-")).encode(),
    "latin-1": (HEAD + GOOD.replace("Acme", "Müller")).encode("latin-1"),
    "half a letter": (HEAD + GOOD).encode() + b"\xc3",
    "surrogates": (HEAD + GOOD).encode().replace(b"Acme", b"\xed\xa0\x80"),
    "NUL in a cell": (HEAD + GOOD.replace("Acme", "Ac\0me")).encode(),
    "NULs alone": b"\0" * 1000,
    "a huge cell": (HEAD + GOOD.replace("Acme", "A" * 900_000)).encode(),
    "a huge line": HEAD.encode() + b"," * 900_000,
    "half a million columns": b"a," * 490_000,
    "a quarter of a million columns, each another": ",".join(f"{n:x}" for n in range(160_000)).encode()[:999_999],
    "a quote that never closes": (HEAD + '"' + GOOD * 5000).encode()[:999_999],
    "quotes alone": b'"' * 999_999,
    "carriage returns alone": (HEAD + GOOD).replace("\n", "\r").encode() + b"\r" * 900_000,
    "line ends of all kinds": (HEAD + "\u2028\u2029\x0b\x0c\x1c\x85" + GOOD).encode(),
    "two marks": b"\xef\xbb\xbf\xef\xbb\xbf" + (HEAD + GOOD).encode(),
    "a formula": (HEAD + GOOD.replace("Acme", "=cmd|' /C calc'!A0")).encode(),
    "a path": (HEAD + GOOD.replace("Acme", "x\r\n../../etc/passwd")).encode(),
    "a zip": b"PK\x03\x04" + b"\0" * 1000,
    "too large": b"a" * 1_000_001,
}


def posted(client: FlaskClient, content: bytes, name: str) -> TestResponse:
    """The file, sent as a browser sends it, or as none ever would."""
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() + b'"\r\n\r\n'
    return client.post(
        "/companies/upload", data=head + content + b"\r\n--b--\r\n", content_type="multipart/form-data; boundary=b"
    )


@pytest.mark.parametrize("case", CSVS)
def test_a_csv_that_is_none_is_refused_in_a_few_words(in_app: Flask, client: FlaskClient, case: str) -> None:
    content = CSVS[case]
    with pytest.raises(BadUploadError) as caught:
        read_upload(content, date(2026, 11, 23))
    assert len(str(caught.value)) < 2000
    answer = posted(client, content, "own.csv")
    assert answer.status_code in (413, 422)
    assert len(answer.data) < 60_000
    assert client.get("/api/companies?q=Acme").get_json() == []


@pytest.mark.parametrize(
    "name", ["../../x.csv", "/etc/passwd", 'x"\r\nX-Forged: 1.csv', "\0.csv", "x" * 5000, ".", "a\u202e"]
)
def test_what_the_file_is_called_names_no_path_and_no_header(in_app: Flask, client: FlaskClient, name: str) -> None:
    before = sorted(in_app.config["SETTINGS"].instance.rglob("*.csv"))
    answer = posted(client, (HEAD + GOOD).encode(), name)
    assert answer.status_code in (303, 400, 422)
    assert "X-Forged" not in answer.headers
    assert sorted(in_app.config["SETTINGS"].instance.rglob("*.csv")) == before
    assert client.get("/companies/upload").status_code == 200


# JSON

DEEP = 10_000
RUN = b'{"company": %b, "researcher": "a", "duration_mins": %b, "status": "Completed", "insights": %b}'
BODIES: dict[str, bytes] = {
    "arrays in arrays": b"[" * DEEP + b"]" * DEEP,
    "objects in objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "a deep company": RUN % (b"[" * DEEP + b"]" * DEEP, b"1", b"1"),
    "a huge whole number": RUN % (b'"A"', b"1", b"9" * 100_000),
    "beyond 64 bits": RUN % (b'"A"', b"1", b"18446744073709551616"),
    "NaN": RUN % (b'"A"', b"NaN", b"1"),
    "Infinity": RUN % (b'"A"', b"Infinity", b"1"),
    "a float that is infinite": RUN % (b'"A"', b"1e400", b"1"),
    "half of a pair": RUN % (b'"\\ud800"', b"1", b"1"),
    "NUL": RUN % (b'"A\\u0000"', b"1", b"1"),
    "a line break": RUN % (b'"A\\r\\nX-Forged: 1"', b"1", b"1"),
    "true for a number": RUN % (b'"A"', b"true", b"1"),
    "bytes that are no UTF-8": RUN % (b'"\xff\xfe"', b"1", b"1"),
}


@pytest.mark.parametrize("case", BODIES)
def test_json_that_goes_too_far_is_refused_and_nothing_is_stored(client: FlaskClient, case: str) -> None:
    answer = client.post("/api/research_runs/", data=BODIES[case], content_type="application/json")
    assert answer.status_code in (400, 422)
    assert answer.mimetype == "application/problem+json"
    assert len(answer.data) < 10_000
    assert client.get("/api/research_runs/").get_json() == []


def test_a_result_that_goes_deep_is_stored_whole_or_refused(client: FlaskClient) -> None:
    run = RUN % (b'"A"', b"1", b"1")
    assert client.post("/api/research_runs/", data=run, content_type="application/json").status_code == 201
    for depth in (50, 500, 900, 1_100, 5_000, DEEP):
        data = b"[" * depth + b"]" * depth
        body = b'{"research_run_id": 1, "result_type": "deep", "result_data": %b}' % data
        stored = client.post("/api/research_results/", data=body, content_type="application/json").status_code
        assert stored in (201, 400, 422), depth
    for path in (
        "/api/research_results/1",
        "/runs/1",
        "/historical-records?run=1",
        "/api/research_runs/1?include=results",
    ):
        assert client.get(path).status_code == 200, path


def logged(client: FlaskClient, data: bytes) -> TestResponse:
    """The answer to a result of the first run with this JSON."""
    body = b'{"research_run_id": 1, "result_type": "x", "result_data": %b}' % data
    return client.post("/api/research_results/", data=body, content_type="application/json")


@pytest.mark.parametrize("data", [rb'{"\u0000": 1}', rb'[["a\u0000"]]', rb'"{\"a\": \"\\u0000\"}"'])
def test_a_result_with_a_nul_is_refused_for_postgresql_keeps_none(client: FlaskClient, data: bytes) -> None:
    client.post("/api/research_runs/", data=RUN % (b'"A"', b"1", b"1"), content_type="application/json")
    answer = logged(client, data)
    assert (answer.status_code, "NUL" in answer.text) == (422, True)


def test_a_run_takes_so_many_steps_and_results_and_no_more(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.post("/api/research_runs/", data=RUN % (b'"A"', b"1", b"1"), content_type="application/json")
    step = {"research_run_id": 1, "step_name": "s", "start_time": "2026-01-01T00:00:00Z", "status": "Completed"}
    monkeypatch.setattr(records, "MOST_STEPS", 3)
    asked = [client.post("/api/research_details/", json=step) for _ in range(4)]
    assert [answer.status_code for answer in asked] == [201, 201, 201, 409]
    assert "Run 1 has 3 steps" in asked[-1].get_json()["detail"]
    monkeypatch.setattr(records, "MOST_RESULTS", 3)
    assert [logged(client, b"1").status_code for _ in range(4)] == [201, 201, 201, 409]
    monkeypatch.setattr(records, "MOST_RESULTS", 100)
    monkeypatch.setattr(records, "MOST_RESULT_CHARACTERS", 1_000)
    assert [logged(client, b'["%b"]' % (b"a" * 400)).status_code for _ in range(3)] == [201, 201, 409]
    assert logged(client, b"2").status_code == 201, "a small one finds room yet"
    assert len(client.get("/api/research_results/1").get_json()) == 6
    run = {"company": "A", "researcher": "a", "duration_mins": 1, "status": "Completed", "insights": 1}
    sent = [{**run, "results": [{"result_type": "x", "result_data": ["a" * 600]}] * 2}]
    answer = client.post("/api/research_runs/bulk", json=sent)
    assert (answer.status_code, answer.get_json()["errors"][0]["field"]) == (422, "0.results")
