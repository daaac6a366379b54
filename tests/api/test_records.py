"""P7–P14 as the seed had them, with D15–D21 mended."""

import json
import re
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from research_dashboard.extensions import db, writing
from research_dashboard.models import Origin, ResearchDetail, ResearchResult, ResearchRun

RUN = {"company": "Acme", "researcher": "ann", "duration_mins": 12.5, "status": "Completed", "insights": 7}
DETAIL = {
    "research_run_id": 1,
    "step_name": "Fetch",
    "start_time": "2026-01-01T10:00:00",
    "end_time": "2026-01-01T10:05:00Z",
    "status": "Completed",
}
RESULT = {"research_run_id": 1, "result_type": "market_position", "result_data": {"market_share": 12.5}}
HUGE = "1" + "0" * 30


def make(client: FlaskClient, **values: Any) -> int:
    """A run logged over the API."""
    answer = client.post("/api/research_runs/", json=RUN | values)
    assert answer.status_code == 201, answer.text
    return int(answer.json["id"])


def counts(app: Flask) -> tuple[int, ...]:
    """How many rows each table has."""
    with app.app_context():
        tables = (ResearchRun, ResearchDetail, ResearchResult)
        return tuple(db.session.scalar(select(func.count()).select_from(table)) for table in tables)


def refused(answer: Any, status: int, *fields: str) -> None:
    """The answer is a problem of that status that names these fields."""
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    problem = answer.json
    assert {"type", "title", "status", "detail"} <= problem.keys()
    assert problem["status"] == status
    assert answer.headers["X-Request-ID"] == problem["request_id"]
    if fields:
        assert {error["field"] for error in problem["errors"]} >= set(fields), problem


def test_p07_a_run_is_created_and_d21_answers_201_with_its_address(client: FlaskClient) -> None:
    answer = client.post("/api/research_runs/", json=RUN)
    assert answer.status_code == 201
    run = answer.json
    assert run.items() >= RUN.items()
    assert run["origin"] == "api"
    assert answer.headers["Location"] == f"/api/research_runs/{run['id']}"
    assert client.get(answer.headers["Location"]).json == run


@pytest.mark.parametrize("path", ["/api/research_runs", "/api/research_runs/"])
def test_p07_and_p08_the_path_answers_with_and_without_its_last_slash(client: FlaskClient, path: str) -> None:
    assert client.post(path, json=RUN).status_code == 201
    assert len(client.get(path).json) == 1
    assert client.get("/api/research_runs/1/").json["id"] == 1


def test_p08_the_list_is_an_array_newest_first_with_skip_and_limit(client: FlaskClient) -> None:
    ids = [make(client) for _ in range(5)]
    assert [run["id"] for run in client.get("/api/research_runs/").json] == ids[::-1]
    assert [run["id"] for run in client.get("/api/research_runs/?skip=1&limit=2").json] == ids[3:1:-1]


def test_p08_and_d20_the_company_filter_is_a_literal_substring_whatever_the_case(client: FlaskClient) -> None:
    for company in ("100% Acme", "100 Acme", "A_B", "AxB"):
        make(client, company=company)

    def found(text: str) -> list[str]:
        return [run["company"] for run in client.get("/api/research_runs/", query_string={"company": text}).json]

    assert found("acme") == ["100 Acme", "100% Acme"]
    assert found("0%") == ["100% Acme"]
    assert found("a_b") == ["A_B"]


def test_p08_and_d20_the_status_filter_is_exact_but_forgives_case(client: FlaskClient) -> None:
    make(client), make(client, status="Failed")
    assert [run["status"] for run in client.get("/api/research_runs/?status=Failed").json] == ["Failed"]
    assert len(client.get("/api/research_runs/?status=completed").json) == 1
    assert len(client.get("/api/research_runs/?status=").json) == 2


def test_p09_a_run_is_read_and_a_missing_one_is_404(client: FlaskClient) -> None:
    run_id = make(client)
    assert client.get(f"/api/research_runs/{run_id}").json["id"] == run_id
    for path in ("/api/research_runs/99", "/api/research_runs/0", f"/api/research_runs/{HUGE}", "/api/nothing"):
        refused(client.get(path), 404)


def test_p10_and_p11_details_are_logged_and_listed_in_order(client: FlaskClient) -> None:
    run_id = make(client)
    answer = client.post("/api/research_details/", json=DETAIL)
    assert answer.status_code == 201
    assert answer.json["start_time"] == "2026-01-01T10:00:00Z"
    client.post("/api/research_details", json={**DETAIL, "step_name": "Read", "end_time": None, "status": "Running"})
    found = client.get(f"/api/research_details/{run_id}").json
    assert [(each["step_name"], each["position"], each["end_time"]) for each in found] == [
        ("Fetch", 1, "2026-01-01T10:05:00Z"),
        ("Read", 2, None),
    ]


@pytest.mark.parametrize("data", [{"market_share": 12.5}, [1, 2], "[1, 2.50]", '{"a": "b"}', 7, HUGE])
def test_p12_and_p13_results_are_logged_and_listed_and_p74_are_json(client: FlaskClient, data: Any) -> None:
    run_id = make(client)
    answer = client.post("/api/research_results/", json={**RESULT, "result_data": data})
    assert answer.status_code == 201, answer.text
    found = client.get(f"/api/research_results/{run_id}").json
    assert found == [answer.json]
    assert not isinstance(found[0]["result_data"], str)


def test_p14_and_d26_times_are_iso_8601_utc_with_z(client: FlaskClient) -> None:
    make(client)
    run = client.get("/api/research_runs/1").json
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", run["date"])
    client.post("/api/research_details/", json={**DETAIL, "start_time": "2026-01-01T10:00:00+02:00"})
    assert client.get("/api/research_details/1").json[0]["start_time"] == "2026-01-01T08:00:00Z"


def test_d15_details_and_results_need_their_run(client: FlaskClient, app: Flask) -> None:
    refused(client.post("/api/research_details/", json=DETAIL), 404)
    refused(client.post("/api/research_results/", json=RESULT), 404)
    assert counts(app) == (0, 0, 0)


def test_d16_a_missing_run_has_no_lists(client: FlaskClient) -> None:
    refused(client.get("/api/research_details/1"), 404)
    refused(client.get("/api/research_results/1"), 404)
    make(client)
    assert client.get("/api/research_details/1").json == []
    assert client.get("/api/research_results/1").json == []


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("company", '""'),
        ("company", '"  "'),
        ("company", '"a\\nb"'),
        ("company", '"a\\u0000b"'),
        ("company", '"a\\u202eb"'),
        ("company", f'"{"x" * 201}"'),
        ("company", "5"),
        ("company", "null"),
        ("researcher", '""'),
        ("researcher", f'"{"x" * 101}"'),
        ("duration_mins", "-5"),
        ("duration_mins", "1e400"),
        ("duration_mins", HUGE),
        ("duration_mins", "-1" + "0" * 400),
        ("duration_mins", '"5"'),
        ("duration_mins", "true"),
        ("status", '"Bananas"'),
        ("status", '"completed"'),
        ("insights", "-9"),
        ("insights", "1.5"),
        ("insights", HUGE),
        ("date", '"yesterday"'),
        ("date", '"0001-01-01T00:00:00+14:00"'),
        ("date", "1700000000"),
        ("colour", '"red"'),
    ],
)
def test_d17_and_d18_a_run_that_cannot_be_is_refused_by_field(
    client: FlaskClient, app: Flask, field: str, text: str
) -> None:
    import json

    pairs = {name: json.dumps(value) for name, value in RUN.items()} | {field: text}
    body = "{" + ", ".join(f'"{name}": {value}' for name, value in pairs.items()) + "}"
    refused(client.post("/api/research_runs/", data=body, content_type="application/json"), 422, field)
    assert counts(app) == (0, 0, 0)


@pytest.mark.parametrize("missing", sorted(RUN))
def test_d17_every_one_of_the_seeds_fields_is_required(client: FlaskClient, missing: str) -> None:
    body = {name: value for name, value in RUN.items() if name != missing}
    refused(client.post("/api/research_runs/", json=body), 422, missing)


def test_d17_every_error_is_named_at_once(client: FlaskClient) -> None:
    answer = client.post("/api/research_runs/", json={"company": "", "insights": -1, "colour": "red"})
    refused(answer, 422, "company", "researcher", "duration_mins", "status", "insights", "colour")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("research_details", {**DETAIL, "end_time": "2025-01-01T00:00:00Z"}, "end_time"),
        ("research_details", {**DETAIL, "start_time": "2026-13-01T00:00:00Z"}, "start_time"),
        ("research_details", {**DETAIL, "start_time": "12345"}, "start_time"),
        ("research_details", {**DETAIL, "status": "Bananas"}, "status"),
        ("research_details", {**DETAIL, "step_name": " "}, "step_name"),
        ("research_details", {**DETAIL, "research_run_id": 10**30}, "research_run_id"),
        ("research_details", {**DETAIL, "research_run_id": "1"}, "research_run_id"),
        ("research_results", {**RESULT, "result_data": "not JSON"}, "result_data"),
        ("research_results", {**RESULT, "result_data": "[NaN]"}, "result_data"),
        ("research_results", {**RESULT, "result_data": "[1e400]"}, "result_data"),
        ("research_results", {**RESULT, "result_data": None}, "result_data"),
        ("research_results", {**RESULT, "result_data": "[" * 70 + "]" * 70}, "result_data"),
        ("research_results", {**RESULT, "result_type": "a\tb"}, "result_type"),
    ],
)
def test_d17_a_detail_or_result_that_cannot_be_is_refused(
    client: FlaskClient, app: Flask, path: str, body: dict[str, Any], field: str
) -> None:
    make(client)
    refused(client.post(f"/api/{path}/", json=body), 422, field)
    assert counts(app) == (1, 0, 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b"nope",
        b'{"duration_mins": NaN}',
        b'{"duration_mins": Infinity}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'"\\ud800"',
        b"9" * 5000,
        b'{"duration_mins": 1e9999999999999999999}',
        b'{"result_data": [-1e-9999999999999999999]}',
    ],
)
def test_d18_a_body_that_is_not_json_is_400(client: FlaskClient, app: Flask, data: bytes) -> None:
    answer = client.post("/api/research_runs/", data=data, content_type="application/json")
    assert answer.status_code in (400, 422), answer.text
    if data != b"9" * 5000:
        refused(answer, 400)
    assert counts(app) == (0, 0, 0)


@pytest.mark.parametrize(
    "data",
    [
        b'{"company": "Acme", "company": "Bolt"}',
        b'{"company": "Acme", "comp\\u0061ny": "Bolt"}',
        b'[{"a": [{"b": {"c": 1, "d": 2, "c": 1}}]}]',
    ],
)
def test_a_name_that_stands_twice_in_an_object_is_400_and_says_which(client: FlaskClient, data: bytes) -> None:
    answer = client.post("/api/research_runs/", data=data, content_type="application/json")
    refused(answer, 400)
    assert "stands twice" in answer.json["detail"]
    assert ('"c"' if data[:1] == b"[" else '"company"') in answer.json["detail"]
    make(client)
    text = RESULT | {"result_data": data.decode()}
    refused(client.post("/api/research_results/", json=text), 422, "result_data")


@pytest.mark.parametrize(("name", "value"), [("days", False), ("count", True), ("count", "5")])
def test_what_is_to_be_done_to_many_runs_takes_numbers_for_numbers_only(
    client: FlaskClient, name: str, value: object
) -> None:
    refused(client.post("/api/bulk/", json={"action": "tag", "tag": "x", name: value}), 422, name)


def test_a_text_with_a_number_that_nothing_can_hold_is_refused(client: FlaskClient) -> None:
    make(client)
    refused(client.post("/api/research_results/", json=RESULT | {"result_data": "1e9999999999999999999"}), 422)


def test_minus_nought_is_nought(client: FlaskClient) -> None:
    body = json.dumps(RUN).replace("12.5", "-0.0")
    answer = client.post("/api/research_runs/", data=body, content_type="application/json")
    assert '"duration_mins":0.0,' in answer.text


def test_a_body_in_chunks_is_read_whole_or_refused(client: FlaskClient, app: Flask) -> None:
    def sent(body: bytes, path: str = "/api/research_runs/", **headers: str) -> Any:
        return client.post(
            path,
            input_stream=BytesIO(body),
            content_type=headers.pop("kind", "application/json"),
            headers={"Transfer-Encoding": "chunked", **headers},
            environ_overrides={"wsgi.input_terminated": True},
        )

    assert sent(json.dumps(RUN).encode()).status_code == 201
    for headers in ({}, {"Idempotency-Key": "1"}):  # werkzeug alone would read the first megabyte, and say nothing
        refused(sent(json.dumps(RUN).encode() + b" " * 2_000_000, **headers), 413)
    bulk = "/api/research_runs/bulk"
    assert sent(json.dumps([RUN]).encode(), bulk).status_code == 200
    refused(sent(json.dumps([RUN]).encode() + b" " * 34_000_000, bulk), 413)
    refused(sent(json.dumps(RUN).encode() + b"\n", bulk, kind="application/x-ndjson"), 411)
    assert counts(app) == (2, 0, 0)


def test_a_charset_that_is_not_utf_8_is_415(client: FlaskClient, app: Flask) -> None:
    body = json.dumps(RUN).encode()
    for charset in ("latin-1", "utf-16", "x"):
        answer = client.post("/api/research_runs/", data=body, content_type=f"application/json; charset={charset}")
        refused(answer, 415)
        assert charset in answer.json["detail"]
    assert counts(app) == (0, 0, 0)
    for charset in ("utf-8", "UTF-8", '"utf-8"'):
        answer = client.post("/api/research_runs/", data=body, content_type=f"application/json; charset={charset}")
        assert answer.status_code == 201


@pytest.mark.parametrize("data", [b"[]", b"null", b"5", b'"text"', b"false"])
def test_d17_a_body_that_is_no_object_is_422(client: FlaskClient, data: bytes) -> None:
    refused(client.post("/api/research_runs/", data=data, content_type="application/json"), 422, "body")


def test_d17_another_content_type_is_415_and_5_mb_are_413(client: FlaskClient, app: Flask) -> None:
    refused(client.post("/api/research_runs/", data=RUN), 415)
    refused(client.post("/api/research_runs/", data=b"{}"), 415)
    refused(client.post("/api/research_runs/", json=RUN, headers={"Content-Encoding": "gzip"}), 415)
    refused(client.post("/api/research_runs/", json=RUN | {"company": "x" * 5_000_000}), 413)
    assert counts(app) == (0, 0, 0)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=-1", "limit"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        (f"limit={HUGE}", "limit"),
        ("limit=ten", "limit"),
        ("skip=-1", "skip"),
        (f"skip={HUGE}", "skip"),
        ("limit=1&limit=2", "limit"),
        ("status=Bananas", "status"),
        ("colour=red", "colour"),
        ("page=2", "page"),
        ("start=2026-02-30", "start"),
        ("start=2026-02-02&end=2026-01-01", "end"),
        ("sort=colour", "sort"),
        ("company=" + "x" * 201, "company"),
        ("company=a%00b", "company"),
    ],
)
def test_d19_a_parameter_that_cannot_be_is_422(client: FlaskClient, query: str, field: str) -> None:
    refused(client.get(f"/api/research_runs/?{query}"), 422, field)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("page=2", "There is no such parameter. There are: fields, include, skip, limit, cursor,"),
        ("fields=id,colour", "“colour” is none of id, company,"),
        ("include=steps", "“steps” is none of details, results."),
        ("start=2026-3-2", "“2026-3-2” is not a day"),
        ("sort=colour", "colour"),
    ],
)
def test_a_parameter_is_refused_in_plain_words(client: FlaskClient, query: str, said: str) -> None:
    answer = client.get(f"/api/research_runs/?{query}")
    refused(answer, 422)
    (error,) = answer.json["errors"]
    assert said in error["detail"]
    assert "pattern" not in error["detail"]


def test_d19_a_list_says_its_total_and_its_neighbours(client: FlaskClient) -> None:
    for _ in range(7):
        make(client, company="a&b")
    answer = client.get("/api/research_runs/?company=a%26b&skip=2&limit=2")
    assert answer.headers["X-Total-Count"] == "7"
    links = {name: path for path, name in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers["Link"])}
    assert list(links) == ["first", "prev", "next", "last"]
    seen, path = [], links["first"]
    while path:
        answer = client.get(path)
        seen += [run["id"] for run in answer.json]
        path = dict(reversed(pair) for pair in re.findall(r'<([^>]+)>; rel="(\w+)"', answer.headers["Link"])).get(
            "next"
        )  # type: ignore[misc]
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_d19_and_d30_a_list_is_filtered_by_day_and_sorted(client: FlaskClient) -> None:
    for date, insights in (("2026-01-01T23:59:59", 3), ("2026-01-02T00:00:00", 1), ("2026-01-03T12:00:00Z", 2)):
        make(client, date=date, insights=insights)

    def found(query: str) -> list[int]:
        return [run["id"] for run in client.get(f"/api/research_runs/?{query}").json]

    assert found("start=2026-01-02&end=2026-01-03") == [3, 2]
    assert found("end=2026-01-01") == [1]
    assert found("sort=-insights") == [1, 3, 2]
    assert found("sort=date") == [1, 2, 3]


def test_d22_a_write_from_a_page_elsewhere_is_refused(client: FlaskClient, app: Flask) -> None:
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
    ):
        refused(client.post("/api/research_runs/", json=RUN, headers=headers), 403)
    assert counts(app) == (0, 0, 0)
    own = {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"}
    assert client.post("/api/research_runs/", json=RUN, headers=own).status_code == 201


def test_a_run_of_the_built_in_research_is_read_only_for_programs(client: FlaskClient, app: Flask) -> None:
    with app.app_context(), writing() as session:
        session.add(ResearchRun(company="Acme", researcher="ann", origin=Origin.RESEARCH))
    refused(client.post("/api/research_details/", json=DETAIL), 409)
    refused(client.post("/api/research_results/", json=RESULT), 409)
    assert counts(app) == (1, 0, 0)


def test_an_address_says_which_methods_it_takes(client: FlaskClient) -> None:
    answer = client.put("/api/research_runs/", json=RUN)
    refused(answer, 405)
    assert "POST" in answer.headers["Allow"]


def test_d17_a_run_from_the_future_is_refused_at_its_field(client: FlaskClient) -> None:
    body = {"company": "Acme", "researcher": "ann", "duration_mins": 1, "status": "Completed", "insights": 0}
    answer = client.post("/api/research_runs/", json={**body, "date": "2090-03-02T00:00:00Z"})
    assert answer.status_code == 422
    assert "date" in answer.get_json()["errors"][0]["field"]
    assert client.get("/api/research_runs/").get_json() == []


def test_a_field_that_is_not_there_is_told_which_are_where_it_was_sent(client: FlaskClient) -> None:
    step = {"step_name": "Fetch", "status": "Running", "rows": 3}
    answer = client.post("/api/research_runs/bulk", json=[{**RUN, "details": [step]}])
    refused(answer, 422, "0.details.0.rows")
    (said,) = (error["detail"] for error in answer.json["errors"] if error["field"] == "0.details.0.rows")
    assert ("step_name" in said, "insights" in said) == (True, False)


def test_a_refusal_says_that_there_is_more_wrong_than_it_names(client: FlaskClient) -> None:
    problem = client.post("/api/research_runs/", json={"a": 1}).json
    assert len(problem["errors"]) == 6
    assert problem["detail"].endswith("; and 3 more, see errors[]")
