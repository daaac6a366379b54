"""Tags, notes, titles, many runs at once, the trash."""

from collections.abc import Callable
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient

from research_dashboard.extensions import db, writing
from research_dashboard.models import ResearchDetail, ResearchRun, RunNote, Tag
from research_dashboard.pages.markup import rendered
from research_dashboard.queries.runs import RunFilter
from research_dashboard.services import accounts, bulk_jobs, organise
from research_dashboard.services.organise import CannotOrganise, OthersByNow
from tests.conftest import Page
from tests.test_run_filter import NOON, names, parse, store

PATH = "/historical-records"


@pytest.fixture
def runs(app: Flask) -> None:
    """Thirty runs of Acme, two of Other, one of them under way."""
    with app.app_context():
        store(*({"company": "Acme", "status": "Completed"} for _ in range(30)))
        store({"company": "Other", "status": "Failed"}, {"company": "Other", "status": "Running", "origin": "research"})


def do(client: FlaskClient, action: str, **form: Any) -> str:
    """Ask, confirm what the page showed, and read what is said of it."""
    asked = client.post(f"{PATH}/bulk", data={"do": action, "filter": "", **form})
    fields = BeautifulSoup(asked.text, "html.parser").select("main form input[type=hidden]")
    sent: dict[str, list[str]] = {}
    for field in fields:
        sent.setdefault(str(field["name"]), []).append(str(field["value"]))
    done = client.post(f"{PATH}/bulk", data={**sent, "do": action}, follow_redirects=True)
    assert done.status_code == 200, done.text
    return BeautifulSoup(done.text, "html.parser").select_one("#messages").get_text(" ", strip=True)  # type: ignore[union-attr]


def test_everything_in_the_filter_not_only_the_page_goes_to_the_trash(
    runs: None, client: FlaskClient, visit: Callable[..., Page]
) -> None:
    form = {"do": "trash", "all": "1", "filter": "company=acme"}
    asked = client.post(f"{PATH}/bulk", data=form)
    assert asked.status_code == 200
    assert "Move to the trash: 30 runs?" in asked.text
    assert visit(f"{PATH}?company=acme").text("#runs .pager p") == "Showing 1–15 of 30 of 32 total records"
    done = client.post(f"{PATH}/bulk", data={**form, "shown": "30"}, follow_redirects=True)
    assert "30 runs moved to the trash." in done.text
    assert visit(PATH).text("#runs .pager p") == "Showing 1–2 of 2 total records"
    assert visit("/trash").text(".lead") == "30 deleted runs"
    do(client, "restore", ids=["1", "2"])
    assert visit(PATH).text("#runs .pager p") == "Showing 1–4 of 4 total records"
    do(client, "purge", ids=["3", "31"])
    assert visit("/trash").text(".lead") == "27 deleted runs"
    assert visit(f"{PATH}?q=id:31").texts("tbody .key") == ["Other"]


def test_research_under_way_stays(runs: None, client: FlaskClient) -> None:
    form = {"do": "trash", "ids": ["31", "32"], "filter": "", "shown": "2"}
    done = client.post(f"{PATH}/bulk", data=form, follow_redirects=True)
    assert "1 run moved to the trash. 1 are under way and stay" in done.text


def test_nothing_is_done_when_there_are_others_by_now(runs: None, client: FlaskClient, in_app: Flask) -> None:
    form = {"do": "trash", "all": "1", "filter": "company=acme", "shown": "29"}
    done = client.post(f"{PATH}/bulk", data=form, follow_redirects=True)
    assert "You were shown 29 runs, and there are 30 by now." in done.text
    with pytest.raises(OthersByNow):
        organise.tag(RunFilter(), "x", shown=1)
    assert len(names("")) == 32


def test_more_runs_than_a_chunk_are_tagged(runs: None, in_app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(organise, "CHUNK", 7)
    assert organise.tag(parse("company=acme"), " Peer   review ", "blue", shown=30) == 30
    assert organise.tag([1, 31], "peer REVIEW") == 2
    assert db.session.query(Tag.name, Tag.colour).all() == [("Peer review", "blue")]
    assert len(names('q=tag:"peer review"')) == 31
    assert organise.untag(parse("q=tag:'x' OR company:acme"), "Peer Review") == 30
    assert organise.untag([31], "Peer Review") == 1
    db.session.rollback()
    assert db.session.query(Tag).count() == 0
    with pytest.raises(CannotOrganise):
        organise.untag([1], "none")


@pytest.mark.parametrize(
    ("form", "says"),
    [
        ({"do": "tag", "ids": "1", "tag": " "}, "A tag has 1 to 50 characters."),
        ({"do": "trash"}, "Pick runs first"),
        ({"do": "trash", "ids": "x"}, "Pick runs first"),
    ],
)
def test_what_cannot_be_done_is_said(runs: None, client: FlaskClient, form: dict[str, str], says: str) -> None:
    assert says in client.post(f"{PATH}/bulk", data={"filter": "", **form}, follow_redirects=True).text


def test_an_unknown_action_or_filter_is_refused(runs: None, client: FlaskClient) -> None:
    assert client.post(f"{PATH}/bulk", data={"do": "x", "ids": "1", "filter": ""}).status_code == 422
    assert client.post(f"{PATH}/bulk", data={"do": "trash", "ids": "1", "filter": "a=b"}).status_code == 422
    assert client.post("/runs/1/organise", data={"do": "x"}).status_code == 422
    assert client.post(f"{PATH}/bulk", data={"do": "purge", "all": "1", "days": "-1"}).status_code == 422


def test_too_many_to_compare_are_told_by_their_true_number_and_the_list_stays(runs: None, client: FlaskClient) -> None:
    form = {"do": "compare", "all": "1", "filter": "company=acme"}
    answer = client.post(f"{PATH}/bulk", data=form)
    assert answer.location == f"{PATH}?company=acme"
    assert "30 runs are chosen; at most 10 are set side by side." in client.get(answer.location).text
    assert "run=31&run=32" in client.post(f"{PATH}/bulk", data=form | {"filter": "company=other"}).location


def test_who_may_only_read_exports_and_compares_and_changes_nothing(runs: None, app: Flask) -> None:
    with app.app_context():
        accounts.add_user("bob", "correct horse battery", "viewer")
    bob = app.test_client()
    bob.post("/login", data={"name": "bob", "password": "correct horse battery"})
    page = BeautifulSoup(bob.get(PATH).text, "html.parser")
    assert [button["value"] for button in page.select(".bulk [name=do]")] == ["compare", "export"]
    form = {"ids": ["1", "2"], "filter": ""}
    assert "run=1&run=2" in bob.post(f"{PATH}/bulk", data=form | {"do": "compare"}).location
    assert ".csv" in bob.post(f"{PATH}/bulk", data=form | {"do": "export"}).location
    for action in bulk_jobs.ACTIONS:
        answer = bob.post(f"{PATH}/bulk", data=form | {"do": action, "shown": "2", "tag": "x"})
        assert (answer.status_code, "needs the role researcher" in answer.text) == (403, True)


def test_the_picked_are_exported(runs: None, client: FlaskClient) -> None:
    answer = client.post(f"{PATH}/bulk", data={"do": "export", "ids": ["3", "5"], "filter": ""}, follow_redirects=True)
    assert [line.split(",")[0] for line in answer.text.splitlines()] == ["ID", "5", "3"]


def test_title_pin_tag_and_notes_of_a_run(runs: None, client: FlaskClient, visit: Callable[..., Page]) -> None:
    def act(**form: str) -> None:
        assert client.post("/runs/1/organise", data=form).status_code == 303

    act(do="title", title=" A  title ")
    act(do="pin")
    act(do="tag", tag="Draft", colour="red")
    act(
        do="note",
        text="# Look\n**bold** <script>alert(1)</script> [x](javascript:alert(1)) [y](https://example.org) [z](https://www.sec.gov/cgi-bin)",
    )
    page = visit(f"{PATH}?run=1")
    assert page.text("#run-dialog .tag") == "Draft"
    assert page.texts(".note strong") == ["Look", "bold"]
    assert page.soup.select("#run-dialog script") == []
    assert [link["href"] for link in page.soup.select(".note a[href]")] == ["https://www.sec.gov/cgi-bin"]
    assert "y (https://example.org)" in page.text(".note")
    assert visit(page.soup.select_one("#run-dialog .tag")["href"]).texts("tbody td:nth-child(2)") == ["1"]
    act(do="note", text="Second wording", replaces="1")
    page = visit(f"{PATH}?run=1")
    assert page.texts(".note > p:not(.why)") == ["Second wording"]
    assert "History of edits (5)" in page.texts("#run-dialog summary")
    edits = page.texts("#run-dialog details li .why")
    assert [edit.partition(": ")[2] for edit in edits] == [
        "changed a note",
        "wrote a note",
        "put under the tag “Draft”",
        "pinned",
        "title: none → “A title”",
    ]
    assert page.text("#run-dialog details li pre").startswith("# Look **bold**")
    assert visit(f"{PATH}?q=wording").texts("tbody mark") == ["wording"]
    act(do="note_remove", note="2")
    assert visit(f"{PATH}?q=wording").soup.select("tbody tr") == []
    assert client.post("/runs/1/organise", data={"do": "note", "text": " "}).status_code == 422
    assert client.post("/runs/1/organise", data={"do": "note", "text": "x", "replaces": "1"}).status_code == 422
    act(do="untag", tag="draft")
    act(do="unpin")
    act(do="trash")
    assert visit("/trash").texts("tbody .key") == ["Acme"]


def test_each_run_shows_the_edits_that_were_made_to_many(runs: None, in_app: Flask, visit: Callable[..., Page]) -> None:
    organise.tag(list(range(1, 31, 2)), "Odd")
    organise.tag([2, 4], "Few")
    organise.trash(range(1, 31))
    organise.restore(range(1, 31))
    organise.untag(parse("company=acme"), "odd")

    def edits(run_id: int) -> list[str]:
        texts = visit(f"/runs/{run_id}").texts("#beside details li .why")
        return [text.partition(": ")[2] for text in texts]

    both = ["restored from the trash", "moved to the trash"]
    assert edits(3) == ["taken from under the tag “odd”", *both, "put under the tag “Odd”"]
    assert edits(4) == [*both, "put under the tag “Few”"]
    assert edits(6) == both
    assert edits(31) == []


def test_what_is_edited_on_a_runs_page_leads_back_to_it(runs: None, client: FlaskClient) -> None:
    form = {"do": "title", "title": "Look at this", "back": "page"}
    answer = client.post("/runs/1/organise", data=form, follow_redirects=True)
    assert answer.request.path == "/runs/1"
    assert "Look at this" in answer.text


def test_the_next_run_keeps_the_filter_on_a_runs_page_too(runs: None, visit: Callable[..., Page]) -> None:
    query = "company=acme&status=Completed&sort=id"
    opened = visit(f"{PATH}?{query}&run=2").soup.select_one("#run-dialog footer a")
    assert opened
    page = visit(str(opened["href"]))
    assert page.soup.select_one("a[rel=prev]")["href"] == f"/runs/1?{query}"  # type: ignore[index]
    following = page.soup.select_one("a[rel=next]")
    assert following
    assert following["href"] == f"/runs/3?{query}"
    assert page.soup.select_one(f"nav a[href='{PATH}?{query}']")
    assert visit(f"/runs/30?{query}").soup.select_one("a[rel=next]") is None
    assert visit("/runs/32").soup.select_one("a[rel=next]")
    assert "colour" in visit("/runs/1?colour=red", status=422).text("main")


def test_p4_what_is_purged_takes_everything_along(runs: None, in_app: Flask) -> None:
    with writing() as session:
        session.add(ResearchDetail(research_run_id=1, step_name="one", position=1))
        session.add(RunNote(run_id=1, text="n", author="ann"))
        session.query(ResearchRun).where(ResearchRun.id <= 2).update({"deleted_at": NOON})
    assert organise.purge(older_than_days=36_000) == 0
    assert organise.purge(older_than_days=0) == 2
    assert (db.session.query(ResearchDetail).count(), db.session.query(RunNote).count()) == (0, 0)


def test_d32_an_empty_trash_says_so(visit: Callable[..., Page]) -> None:
    assert visit("/trash").text(".empty h2") == "The trash is empty"


def test_the_question_repeats_the_filter_or_says_that_it_is_every_run(runs: None, client: FlaskClient) -> None:
    def asked(filter: str) -> str:
        form = {"do": "trash", "all": "1", "filter": filter}
        answer = BeautifulSoup(client.post(f"{PATH}/bulk", data=form).text, "html.parser")
        return " ".join(p.get_text(" ", strip=True) for p in answer.select("main form p"))

    said = asked("company=acme&status=Completed&q=duration<5+AND+NOT+tag:x")
    for condition in ("status: Completed", "company: acme", "duration<5", "NOT tag:x"):
        assert condition in said
    assert "Every run on record: the filter is empty." in asked("")


def test_the_lists_tags_wear_their_colours_and_lead_to_their_runs(
    runs: None, client: FlaskClient, visit: Callable[..., Page], in_app: Flask
) -> None:
    organise.tag([1], "a, b", colour="red")
    organise.tag([1, 2], "plain")
    page = visit(f"{PATH}?cols=id,tag&sort=id&per_page=10")
    first, second, third = (row.select_one('td[data-label="Tags"]') for row in page.soup.select("tbody tr")[:3])
    assert [(tag.get_text(), "bad" in tag["class"]) for tag in first.select("a")] == [("a, b", True), ("plain", False)]
    assert [tag.get_text() for tag in second.select("a")] == ["plain"]
    assert third.get_text(strip=True) == "–"
    assert visit(first.select_one("a")["href"]).text("#runs .pager p").startswith("Showing 1–1 of 1 of")


@pytest.mark.parametrize(
    "address",
    [
        "https://elsewhere.example/", "//elsewhere.example", "/logout", "mailto:a@b.example", "https://notsec.gov/",
        "https://sec.gov.elsewhere.example/", "https://www.sec.gov@elsewhere.example/", "https://[::1", "ftp://sec.gov/",
        "https://elsewhere.example\\@www.sec.gov/",
    ],
)  # fmt: skip
def test_a_note_links_to_the_sec_and_to_what_the_operator_named_only(address: str) -> None:
    html = str(rendered(f"[words](<{address}>) and <{address}>", {"wiki.example.org"}))
    assert "<a" not in html
    assert "words" in html


@pytest.mark.parametrize("address", ["https://www.sec.gov/x", "http://sec.gov/", "https://WIKI.example.org/page?a=b"])
def test_a_note_may_link_there(address: str) -> None:
    assert BeautifulSoup(rendered(f"[**words**]({address})", {"wiki.example.org"}), "html.parser").a["href"]  # type: ignore[index]


def test_a_note_that_is_too_long_is_shown_again_as_it_was_typed(runs: None, client: FlaskClient) -> None:
    form = {"do": "note", "text": "\n" + "long <b> " * 3000, "back": "page"}
    answer = client.post("/runs/1/organise", data=form)
    page = BeautifulSoup(answer.text, "html.parser")
    assert answer.status_code == 422
    assert "at most" in page.select_one("#note-error").get_text() or "1 to 20,000" in answer.text
    assert page.select_one("main textarea").get_text().strip() == form["text"].strip()
    assert page.select_one("main [name=back]")["value"] == "page"


def test_pinned_and_titled_runs_are_found_and_shown_as_such(
    runs: None, client: FlaskClient, visit: Callable[..., Page]
) -> None:
    client.post("/runs/1/organise", data={"do": "title", "title": "The big one"})
    client.post("/runs/1/organise", data={"do": "pin"})
    page = visit(f"{PATH}?q=pinned:yes+title:big")
    assert page.texts("tbody td[data-label=ID]") == ["1"]
    assert "pinned" in page.text("tbody .key")
    assert "The big one" in page.text("tbody .key")
    assert visit(f"{PATH}?q=pinned:no").text("#runs .pager p") == "Showing 1–15 of 31 of 32 total records"
    assert visit(f"{PATH}?q=pinned!=yes+AND+big").soup.select("tbody tr") == []
    assert "neither yes nor no" in visit(f"{PATH}?q=pinned:x", status=422).text("#f-q-error")


def test_the_page_size_is_chosen_and_the_filter_kept(runs: None, visit: Callable[..., Page]) -> None:
    chosen = visit(f"{PATH}?company=acme&page=2").soup.select_one("#per-page-50")["href"]
    assert chosen == f"{PATH}?company=acme&per_page=50"
    page = visit(chosen)
    assert len(page.soup.select("tbody tr")) == 30
    assert page.text("[id^=per-page][aria-current]") == "50"
    assert page.soup.select_one("#per-page-15")["href"] == f"{PATH}?company=acme"
