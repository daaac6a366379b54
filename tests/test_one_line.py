"""One rule for names, tags and what is looked for: people's scripts and emoji are taken, what hides is not."""

import pytest
from flask.testing import FlaskClient

from research_dashboard.one_line import is_one_line

TAKEN = ("Société Générale", "علی\u200cرضا", "क्\u200dष", "👩\u200d💻 Ltd", "Acme\u00a0Inc.", "株式会社\u3000日立", "")
REFUSED = (
    "a\nb",
    "a\x00b",
    "\x1b[31m",
    "\u202egro.cilbup",
    "a\u2028b",
    "zero\u200bwidth",
    "soft\u00adhyphen",
    "\ud800",
)


@pytest.mark.parametrize("text", TAKEN)
def test_what_people_write_is_one_line(text: str) -> None:
    assert is_one_line(text)


@pytest.mark.parametrize("text", REFUSED)
def test_what_cannot_be_seen_is_not(text: str) -> None:
    assert not is_one_line(text)


def test_a_run_is_logged_and_found_under_a_name_with_joiners(client: FlaskClient) -> None:
    sent = {
        "duration_mins": 1,
        "status": "Completed",
        "insights": 0,
        "company": "علی\u200cرضا 👩\u200d💻",
        "researcher": "नि\u200dशा",
    }
    answer = client.post("/api/research_runs/", json=sent)
    assert answer.status_code == 201, answer.text
    found = client.get("/api/research_runs/", query_string={"company": sent["company"]}).get_json()
    assert [run["researcher"] for run in found] == [sent["researcher"]]
    refused = client.post("/api/research_runs/", json=sent | {"company": "a\u202eb"})
    assert (refused.status_code, refused.get_json()["errors"][0]["field"]) == (422, "company")
