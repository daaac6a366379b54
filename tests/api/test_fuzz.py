"""Whatever is sent: never a 5xx, and nothing is stored when it is refused."""

import json
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.test_records import DETAIL, RESULT, RUN, counts, make

FEW = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
ODD = st.sampled_from([
    "", " ", "a\nb", "a\x00b", "\u202e", "x" * 201, "%", "_", "=1+1", "<script>", "Bananas", "Completed", "1e400",
    -1, 0, 1, 5, 1.5, 10**18, 10**30, -(10**400), 1e308, True, None, float("nan"), float("inf"), [], {}, [[]],
    "2026-01-01T00:00:00", "2026-01-01T00:00:00+23:59", "9999-12-31T23:59:59-12:00", "0001-01-01", "2026-02-30T00:00Z",
])  # fmt: skip
ANY = ODD | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
PATHS = {"research_runs": RUN, "research_details": DETAIL, "research_results": RESULT, "research": {"company": "Acme"}}


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, Any]:
    """A path and a good body with some of its values exchanged, left out or added; sometimes anything at all."""
    path = draw(st.sampled_from(sorted(PATHS)))
    if draw(st.integers(0, 9)) == 0:
        return path, draw(ANY)
    body = dict(PATHS[path])
    names = st.sampled_from([*body, "date", "message", "peers", "as_of", "source", "colour"])
    for name in draw(st.lists(names, max_size=3, unique=True)):
        if draw(st.integers(0, 4)):
            body[name] = draw(ANY)
        else:
            body.pop(name, None)
    return path, body


def check(app: Flask, before: tuple[int, ...], answer: Any) -> None:
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        assert answer.content_type == "application/problem+json"
        assert counts(app) == before


def test_d18_no_body_is_answered_with_5xx_or_stored_when_refused(app: Flask, client: FlaskClient) -> None:
    make(client)

    @FEW
    @given(bodies())
    def fuzz(sent: tuple[str, Any]) -> None:
        path, body = sent
        before = counts(app)
        text = json.dumps(body)
        check(app, before, client.post(f"/api/{path}/", data=text, content_type="application/json"))
        for name in ("research_runs/", "research_details/1", "research_results/1"):
            assert client.get(f"/api/{name}").status_code == 200

    fuzz()


def test_d18_no_bytes_are_answered_with_5xx(app: Flask, client: FlaskClient) -> None:
    @FEW
    @given(
        st.sampled_from(sorted(PATHS)), st.binary(max_size=60), st.sampled_from(["application/json", "text/plain", ""])
    )
    def fuzz(path: str, data: bytes, kind: str) -> None:
        check(app, (0, 0, 0), client.post(f"/api/{path}", data=data, content_type=kind))

    fuzz()


def test_d19_no_query_string_is_answered_with_5xx(app: Flask, client: FlaskClient) -> None:
    names = ["skip", "limit", "company", "status", "start", "end", "sort", "q", "col_id", "col_date", "colour"]
    values = st.text(max_size=20) | ODD.filter(lambda value: isinstance(value, str | int)).map(str)

    @FEW
    @given(st.lists(st.tuples(st.sampled_from(names), values), max_size=3))
    def fuzz(pairs: list[tuple[str, str]]) -> None:
        for path in ("research_runs", "research_details/1", "companies"):
            assert client.get(f"/api/{path}", query_string=pairs).status_code < 500

    fuzz()
