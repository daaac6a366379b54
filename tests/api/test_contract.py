"""The contract: every route, parameter and status is in it, and what is sent and answered keeps to it."""

import json
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator
from werkzeug.serving import make_server

from research_dashboard.api import api
from research_dashboard.endpoints.contract import DOCUMENTED
from research_dashboard.endpoints.reference import groups
from research_dashboard.problems import KINDS
from tests.api.soak import schemathesis, soak
from tests.api.test_records import make, refused
from tests.api.test_research import make_reported
from tests.makers import make_company


@pytest.fixture
def document(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/api/openapi.json")
    assert answer.status_code == 200
    return dict(answer.json)


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation by its id."""
    return {
        each["operationId"]: each | {"path": path, "method": method}
        for path, methods in document["paths"].items()
        for method, each in methods.items()
    }


def test_the_document_is_openapi_3_1_by_its_own_rules(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()  # every schema, reference, default and operationId


def test_every_parameter_of_a_query_says_what_it_takes(document: dict[str, Any]) -> None:
    mute = [
        f"{name}: {each['name']}"
        for name, operation in operations(document).items()
        for each in operation.get("parameters", ())
        if each["in"] == "query" and not each.get("description")
    ]
    assert mute == []


PAGES = {"openapi", "docs", "problem_list", "problem_page"}


def test_every_route_of_the_api_is_in_the_contract(app: Flask, document: dict[str, Any]) -> None:
    routes = {
        (re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith(f"{api.name}.") and rule.endpoint.split(".")[1] not in PAGES
    }
    assert {(each["path"], each["method"]) for each in operations(document).values()} == routes
    assert set(operations(document)) == {*DOCUMENTED, "run_details", "run_results"}
    assert document["openapi"].startswith("3.1")


def test_the_contract_names_errors_with_examples_and_every_parameter(document: dict[str, Any]) -> None:
    for name, each in operations(document).items():
        assert each["summary"].endswith("."), name
        assert {"401", "403", "422", "429", "500", "503"} <= each["responses"].keys(), name
        bodies = any("content" in response for status, response in each["responses"].items() if status[0] in "23")
        assert ("406" in each["responses"]) == bodies, name
        for status, response in each["responses"].items():
            if status >= "400":
                (media,) = response["content"]
                assert media == "application/problem+json"
                assert response["content"][media]["examples"], (name, status)
        if "requestBody" in each:
            assert {"400", "413", "415"} <= each["responses"].keys(), name
    names = {parameter["name"] for parameter in operations(document)["runs"]["parameters"]}
    assert {"skip", "limit", "cursor", "company", "status", "sort", "start", "end", "fields", "include"} <= names
    assert "RunCreate" in document["components"]["schemas"]
    assert document["components"]["schemas"]["RunCreate"]["properties"]["company"]["examples"] == ["Acme"]


def test_the_contract_bounds_every_number_in_words_of_json_schema(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    made = next(shape for name, shape in shapes.items() if name.startswith("RunCreate"))["properties"]
    assert (made["duration_mins"]["minimum"], made["duration_mins"]["maximum"]) == (0, 525_600)
    assert (made["insights"]["minimum"], made["insights"]["maximum"]) == (0, 1_000_000)
    text = json.dumps(document)
    assert '"ge":' not in text, "pydantic's own word: no reader of JSON Schema knows it"
    assert '"le":' not in text


def test_every_problem_has_its_page(client: FlaskClient) -> None:
    problem = client.get("/api/research_runs/9").json
    for path in ("/api/problems/", problem["type"], *(f"/api/problems/{kind}" for kind in KINDS)):
        assert client.get(path).status_code == 200
    assert client.get("/api/problems/nothing").status_code == 404


def test_the_reference_says_all_of_the_contract(document: dict[str, Any], visit: Any) -> None:
    page = visit("/api/docs")
    loaded = [each.get("src") or each.get("href") for each in page.soup.select("head script, head link")]
    assert all(address.startswith("/static/") for address in loaded)
    for name, each in operations(document).items():
        section = page.soup.find("section", {"aria-labelledby": name})
        assert each["summary"] in section.get_text(), name
        said = {cell.get_text(strip=True) for cell in section.select("th code")}
        assert {parameter["name"] for parameter in each["parameters"]} <= said, name
        assert each["responses"].keys() <= said, name
        problems = {link["href"] for link in section.select("a[href^='/api/problems/']")}
        assert problems == {
            example["value"]["type"]
            for response in each["responses"].values()
            for content in response.get("content", {}).values()
            for example in content.get("examples", {}).values()
        }, name
    anchors = {each["id"] for each in page.soup.select("main [id]")}
    assert {link["href"][1:] for link in page.soup.select("main a[href^='#']")} <= anchors


def test_the_bodies_that_the_reference_shows_are_taken(client: FlaskClient, document: dict[str, Any]) -> None:
    shown = {each.name: each for group in groups(document).values() for each in group}
    assert not [each.name for each in shown.values() if "{" in each.example_path], "curl could not be run as it is"
    assert client.post("/api/research_runs/", json=json.loads(shown["run_create"].bodies[0].example)).status_code == 201
    for name in ("detail_create", "result_create", "runs_bulk", "companies_upload"):
        answer = client.open(
            shown[name].example_path, method=shown[name].method, json=json.loads(shown[name].bodies[0].example)
        )
        assert answer.status_code in (200, 201, 202), (name, answer.json)


def test_an_answer_that_the_caller_does_not_take_is_406(client: FlaskClient) -> None:
    for accept in ("text/html", "application/xml", "application/json;q=0"):
        refused(client.get("/api/research_runs/", headers={"Accept": accept}), 406)
    for accept in ("*/*", "application/*", "text/html, application/json;q=0.5", ""):
        assert client.get("/api/research_runs/", headers={"Accept": accept}).status_code == 200


def test_an_answer_without_a_body_suits_who_takes_anything(client: FlaskClient, document: dict[str, Any]) -> None:
    run_id = make_reported(client)
    pdf = {"Accept": "application/pdf"}
    assert client.get(f"/api/research_runs/{run_id}/report?format=pdf", headers=pdf).status_code == 303
    gone = client.delete(f"/api/research_runs/{run_id}", headers=pdf)
    assert (gone.status_code, "Content-Type" in gone.headers) == (204, False)
    assert "406" not in document["paths"]["/api/research_runs/{run_id}/report"]["get"]["responses"]
    assert "406" in document["paths"]["/api/research_runs/{run_id}"]["get"]["responses"]


def test_schemathesis_finds_nothing_in_a_sample(app: Flask, client: FlaskClient, tmp_path: Path) -> None:
    with app.app_context():
        make_company("Apple Inc.", 320193, "AAPL")
    make(client)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.port}"
        cases, found = schemathesis(url, 3, seed=1, phases="examples,fuzzing,stateful", folder=tmp_path)
    finally:
        server.shutdown()
    assert (found, cases > 50) == ("", True)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_schemathesis_finds_nothing_in_10_000_cases() -> None:
    done = soak(10_000, seed=1)
    assert (done.findings, done.cases >= 10_000) == ([], True)
