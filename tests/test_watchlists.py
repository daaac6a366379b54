"""Issue 6, 6: lists of companies, run again by the clock exactly once, new filings flagged, notices in the inbox."""

import multiprocessing
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import func, insert, select

from research_dashboard import create_app
from research_dashboard.base import utcnow
from research_dashboard.extensions import db, reading, writing
from research_dashboard.models import (
    Company,
    Filing,
    Notice,
    ResearchRun,
    Watchlist,
    WatchlistCompany,
    WatchlistPass,
    WatchlistRun,
)
from research_dashboard.services import runs, schedule
from research_dashboard.services import watchlists as services
from research_dashboard.services.notices import tell_ended
from research_dashboard.services.watchlists import Schedule, WatchlistError
from research_dashboard.worker import Worker

from .conftest import Page, settings_for

Visit = Callable[..., Page]


def company(symbol_cik: int) -> int:
    with reading() as session:
        return session.scalars(select(Company.id).where(Company.cik == symbol_cik)).one()


NIKE, TARGET = 320187, 27419


def a_list(*ciks: int, name: str = "Shops") -> int:
    list_id = services.make_list(name, "ann")
    services.add_companies(list_id, [company(cik) for cik in ciks])
    return list_id


def due_since(list_id: int, moment: datetime) -> None:
    with writing() as session:
        found = session.get_one(Watchlist, list_id)
        found.every, found.due_at = "daily", moment


def count(table: Any) -> int:
    with reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def notices() -> list[tuple[str, str]]:
    with reading() as session:
        return [(row.kind, row.text) for row in session.scalars(select(Notice).order_by(Notice.id))]


# The clock


@pytest.mark.parametrize(
    ("wanted", "after", "next_"),
    [
        (Schedule("daily", 7), datetime(2026, 3, 2, 6, 59, tzinfo=UTC), datetime(2026, 3, 2, 7, tzinfo=UTC)),
        (Schedule("daily", 7), datetime(2026, 3, 2, 7, 0, tzinfo=UTC), datetime(2026, 3, 3, 7, tzinfo=UTC)),
        (Schedule("weekly", 7, 4), datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 6, 7, tzinfo=UTC)),
        (Schedule("weekly", 7, 0), datetime(2026, 3, 2, 8, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC)),
        # In the zone that was meant, before and after its clocks change on 29 March.
        (
            Schedule("daily", 7, 0, "Europe/Berlin"),
            datetime(2026, 3, 28, 5, tzinfo=UTC),
            datetime(2026, 3, 28, 6, tzinfo=UTC),
        ),
        (
            Schedule("daily", 7, 0, "Europe/Berlin"),
            datetime(2026, 3, 28, 7, tzinfo=UTC),
            datetime(2026, 3, 29, 5, tzinfo=UTC),
        ),
    ],
)
def test_a_schedule_names_its_next_moment(in_app: Flask, wanted: Schedule, after: datetime, next_: datetime) -> None:
    list_id = services.make_list("Any", "ann")
    assert services.set_schedule(list_id, wanted, after) == next_


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (Schedule("hourly"), "every"),
        (Schedule("daily", 24), "hour"),
        (Schedule("weekly", 7, 7), "weekday"),
        (Schedule("daily", 7, 0, "Mars/Olympus"), "time_zone"),
    ],
)
def test_what_is_no_schedule_is_refused_by_field(in_app: Flask, wanted: Schedule, field: str) -> None:
    list_id = services.make_list("Any", "ann")
    with pytest.raises(WatchlistError) as refused:
        services.set_schedule(list_id, wanted)
    assert refused.value.field == field


def test_a_list_missed_for_days_is_run_once_and_then_at_its_hour_again(bundled: Flask) -> None:
    list_id, now = a_list(NIKE), utcnow()
    due_since(list_id, now - timedelta(days=9))
    assert schedule.begin_due(now) == 1
    assert schedule.begin_due(now) == 0
    assert count(WatchlistPass) == 1
    with reading() as session:
        due = session.get_one(Watchlist, list_id).due_at
    assert due is not None
    assert now < due <= now + timedelta(days=1)


def test_a_list_of_nobody_is_passed_over_and_due_again(in_app: Flask) -> None:
    list_id = services.make_list("Empty", "ann")
    due_since(list_id, utcnow() - timedelta(hours=1))
    assert schedule.begin_due() == 0
    assert count(WatchlistPass) == 0
    assert schedule.begin_due() == 0


def tick_in_a_process(folder: Path, url: str, begin: Any) -> None:
    app = create_app({"TESTING": True}, settings_for(folder, database_url=url))
    with app.app_context():
        begin.wait(60)
        for _ in range(5):
            schedule.tick(app.config["SETTINGS"])


def test_four_processes_whose_clocks_strike_at_once_run_a_list_once(bundled: Flask) -> None:
    list_id = a_list(NIKE, TARGET)
    due_since(list_id, utcnow() - timedelta(minutes=1))
    db.session.remove()
    context = multiprocessing.get_context("spawn")
    begin = context.Barrier(4)
    settings = bundled.config["SETTINGS"]
    arguments = (settings.instance, settings.database_url, begin)
    clocks = [context.Process(target=tick_in_a_process, args=arguments) for _ in range(4)]
    for clock in clocks:
        clock.start()
    for clock in clocks:
        clock.join()
    assert [clock.exitcode for clock in clocks] == [0, 0, 0, 0]
    assert (count(WatchlistPass), count(WatchlistRun), count(ResearchRun)) == (1, 2, 2)


def test_killed_between_beginning_and_starting_the_rest_is_started_later_and_nothing_twice(bundled: Flask) -> None:
    settings = bundled.config["SETTINGS"]
    due_since(a_list(NIKE, TARGET), utcnow() - timedelta(minutes=1))
    schedule.begin_due()
    with reading() as session:
        first = session.execute(select(WatchlistRun.pass_id, WatchlistRun.company_id)).first()
    assert first is not None
    assert schedule._start(*first, live=False)  # and here the worker is killed
    assert schedule.start_pending(settings) == 1
    assert schedule.start_pending(settings) == 0
    assert count(ResearchRun) == 2


def test_the_clocks_runs_stand_behind_those_of_people_and_name_who_made_the_list(bundled: Flask) -> None:
    due_since(a_list(NIKE), utcnow() - timedelta(minutes=1))
    schedule.tick(bundled.config["SETTINGS"])
    by_hand = runs.start_research("TGT", "bob").run_id
    with reading() as session:
        mine, theirs = session.scalars(select(ResearchRun).order_by(ResearchRun.id)).all()
    assert (mine.origin, mine.priority, mine.researcher, mine.created_by) == ("schedule", 10, "ann", "schedule")
    assert (theirs.id, theirs.priority) == (by_hand, 0)


# What it tells


def test_a_pass_ends_in_one_summary_and_tells_nothing_twice(bundled: Flask) -> None:
    settings = bundled.config["SETTINGS"]
    services.run_list(a_list(NIKE, TARGET), "ann")
    schedule.start_pending(settings)
    tell_ended()
    assert notices() == []
    Worker(bundled).work()
    schedule.tick(settings)
    tell_ended()
    assert notices() == [("list_done", "“Shops” was run: 2 of 2 companies completed, no new filing.")]


def file_new(cik: int, day: date, form: str = "10-Q") -> None:
    with writing() as session:
        row = {"accession": f"{cik:010}-99-000001", "company_id": company(cik), "form": form, "filed": day}
        session.execute(insert(Filing), [row])


def report_of(day: date) -> int:
    """A report on Nike that was made on an earlier day, as known on that day."""
    run_id = runs.start_research("NKE", "ann", peers=["TGT"], as_of=day).run_id
    Worker(current_app).work()
    with writing() as session:
        session.get_one(ResearchRun, run_id).date = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return run_id


def test_a_filing_since_the_last_report_is_flagged_on_the_page(bundled: Flask, visit: Visit) -> None:
    list_id = a_list(NIKE, TARGET)
    runs.start_research("NKE", "ann")
    Worker(bundled).work()
    page = visit(f"/watchlist?list={list_id}")
    assert "New filing" not in page.text("#list-h ~ *, main .data")
    file_new(NIKE, utcnow().date())
    rows = visit(f"/watchlist?list={list_id}").texts("main .data tbody tr")
    assert "New filing 10-Q of" in next(row for row in rows if "NIKE" in row)
    assert "Never run" in next(row for row in rows if "TARGET" in row.upper())


def test_a_run_that_saw_a_new_filing_says_so_in_the_inbox_and_stands_under_the_last_one(bundled: Flask) -> None:
    settings = bundled.config["SETTINGS"]
    before = report_of(date(2024, 1, 31))
    services.run_list(a_list(NIKE), "ann")
    schedule.start_pending(settings)
    Worker(bundled).work()
    with reading() as session:
        run = session.scalars(select(ResearchRun).order_by(ResearchRun.id.desc())).first()
    assert run is not None
    assert (run.status, run.parent_run_id, (run.options or {})["peers"]) == ("Completed", before, [company(TARGET)])
    kinds = [kind for kind, _ in notices()]
    assert kinds == ["new_filing", "list_done"]
    assert "new filing since the last run: 10-Q of " in notices()[0][1]
    assert notices()[1][1].endswith("1 of 1 company completed, 1 with a new filing.")


def test_a_run_as_known_on_an_earlier_day_makes_no_filing_new(bundled: Flask, visit: Visit) -> None:
    settings, list_id = bundled.config["SETTINGS"], a_list(NIKE)
    before = runs.start_research("NKE", "ann").run_id
    runs.start_research("NKE", "ann", as_of=date(2024, 1, 31))
    Worker(bundled).work()
    assert "New filing" not in visit(f"/watchlist?list={list_id}").text("main .data")
    services.run_list(list_id, "ann")
    schedule.start_pending(settings)
    Worker(bundled).work()
    schedule.tick(settings)
    with reading() as session:
        assert session.scalars(select(ResearchRun.parent_run_id).order_by(ResearchRun.id.desc())).first() == before
    assert [kind for kind, _ in notices()] == ["list_done"]


def test_a_list_run_twice_at_once_is_run_once_and_a_company_added_meanwhile_is_run_too(bundled: Flask) -> None:
    settings, list_id = bundled.config["SETTINGS"], a_list(NIKE)
    first = services.run_list(list_id, "ann")
    assert first is not None
    assert services.run_list(list_id, "bob") is None
    schedule.start_pending(settings)
    assert services.run_list(list_id, "bob") is None
    services.add_companies(list_id, [company(TARGET)])
    assert services.run_list(list_id, "bob") not in (None, first)
    schedule.start_pending(settings)
    Worker(bundled).work()
    schedule.tick(settings)
    assert count(ResearchRun) == 2
    assert [text.split("run: ")[1] for _, text in notices()] == ["1 of 1 company completed, no new filing."] * 2
    assert services.run_list(list_id, "ann") is not None, "all have ended: it can be run again"


def test_a_run_that_two_lists_asked_for_is_told_of_once(bundled: Flask) -> None:
    settings = bundled.config["SETTINGS"]
    report_of(date(2024, 1, 31))
    for list_id in (a_list(NIKE), a_list(NIKE, TARGET, name="More shops")):
        services.run_list(list_id, "ann")
    schedule.start_pending(settings)
    Worker(bundled).work()
    schedule.tick(settings)
    assert sorted(kind for kind, _ in notices()) == ["list_done", "list_done", "new_filing"]
    assert all("1 with a new filing" in text for kind, text in notices() if kind == "list_done")


def test_a_company_without_figures_is_a_notice_and_hinders_no_other(bundled: Flask) -> None:
    with reading() as session:
        known = session.scalar(
            select(Company.cik).where(Company.cik.is_not(None), ~Company.id.in_(select(Filing.company_id))).limit(1)
        )
    assert known is not None
    services.run_list(a_list(NIKE, known), "ann")
    assert schedule.start_pending(bundled.config["SETTINGS"]) == 1
    Worker(bundled).work()
    assert [kind for kind, _ in notices()] == ["not_started", "list_done"]
    assert "1 of 2 companies completed, 1 not" in notices()[1][1]


def test_a_failed_run_is_told_with_its_reason(bundled: Flask) -> None:
    services.run_list(a_list(NIKE), "ann")
    schedule.start_pending(bundled.config["SETTINGS"])
    with writing() as session:
        session.query(ResearchRun).update(
            {"status": "Failed", "error_kind": "sec_down", "error_message": "The SEC did not answer. Run it again."}
        )
    tell_ended()
    assert notices()[0] == ("run_failed", "NIKE, Inc.: the research failed. The SEC did not answer. Run it again.")


# The pages


def test_from_an_empty_page_to_a_list_that_runs_by_itself(bundled: Flask, client: FlaskClient, visit: Visit) -> None:
    assert visit("/watchlist").soup.select_one("details[open] #new-name") is not None
    made = client.post("/watchlist", data={"name": "Tech", "companies": "AAPL, msft\nNIKE, Inc."})
    assert made.status_code == 303
    address = made.headers["Location"]
    page = visit(address)
    assert len(page.texts("main .data tbody tr")) == 3
    list_id = int(address.rsplit("=", 1)[1])
    saved = client.post(f"/watchlist/{list_id}", data={"do": "schedule", "every": "weekly", "weekday": 4, "hour": 6})
    assert saved.status_code == 303
    assert "Every Friday at 06:00 UTC, next" in visit(address).text("[aria-labelledby=list-h] header")
    assert client.post(f"/watchlist/{list_id}", data={"do": "run"}).status_code == 303
    assert count(ResearchRun) == 3
    drop = {"do": "drop", "company": company(NIKE)}
    client.post(f"/watchlist/{list_id}", data=drop)
    wrong = client.post(f"/watchlist/{list_id}", data={"do": "schedule", "every": "daily", "hour": 6, "time_zone": "X"})
    assert (wrong.status_code, "“X” is no time zone" in Page(wrong).text("#zone-error")) == (422, True)
    assert len(visit(address).texts("main .data tbody tr")) == 2
    assert client.post(f"/watchlist/{list_id}", data={"do": "remove"}).status_code == 303
    assert (count(Watchlist), count(WatchlistCompany), count(ResearchRun)) == (0, 0, 3)


def test_a_line_that_is_no_company_stops_the_list_or_by_choice_is_left_out(bundled: Flask, client: FlaskClient) -> None:
    form = {"name": "Mixed", "companies": "AAPL\nNosuch Corporation of Mars\nMSFT"}
    page = Page(client.post("/watchlist", data=form))
    assert page.status == 422
    assert page.texts("main .data tbody tr")[0].startswith("2 Nosuch Corporation of Mars")
    assert count(Watchlist) == 0
    assert client.post("/watchlist", data=form | {"only_good": "1"}).status_code == 303
    assert count(WatchlistCompany) == 2


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"name": " "}, "1 to 100 characters"),
        ({"name": "x" * 101}, "1 to 100 characters"),
        ({"name": "shops"}, "There is a list “Shops” already"),
    ],
)
def test_a_name_that_cannot_be_is_said_at_its_field(
    in_app: Flask, client: FlaskClient, form: dict[str, str], words: str
) -> None:
    services.make_list("Shops", "ann")
    page = Page(client.post("/watchlist", data=form))
    assert page.status == 422
    assert words in page.text("#new-name-error")


def test_what_cannot_be_done_to_a_list_is_refused(in_app: Flask, client: FlaskClient) -> None:
    list_id = services.make_list("Shops", "ann")
    assert client.post(f"/watchlist/{list_id}", data={"do": "burn"}).status_code == 422
    assert client.post("/watchlist/999", data={"do": "run"}).status_code == 404
    assert client.get("/watchlist?list=999").status_code == 404
    page = Page(client.post(f"/watchlist/{list_id}", data={"do": "run"}))
    assert (page.status, "has no company yet" in page.html) == (422, True)


def test_the_watch_button_swaps_itself_and_works_without_script(
    bundled: Flask, client: FlaskClient, visit: Visit
) -> None:
    assert visit(f"/companies/{NIKE}").text("#watch-button") == "Watch"
    answer = Page(client.post(f"/companies/{NIKE}/watch", data={"watch": "1"}, headers={"HX-Request": "true"}))
    assert (answer.status, answer.text("#watch-button")) == (200, "Watching")
    assert answer.soup.select_one("#watch-button")["aria-pressed"] == "true"  # type: ignore[index]
    assert visit(f"/companies/{NIKE}").text("#watch-button") == "Watching"
    plain = client.post(f"/companies/{NIKE}/watch", data={"watch": "0"})
    assert (plain.status_code, plain.headers["Location"]) == (303, f"/companies/{NIKE}")
    assert count(WatchlistCompany) == 0
    assert client.post(f"/companies/{NIKE}/watch", data={"watch": "maybe"}).status_code == 422


def test_the_inbox_counts_what_is_unread_until_it_is_marked(in_app: Flask, client: FlaskClient, visit: Visit) -> None:
    with writing() as session:
        session.add_all(Notice(key=str(n), kind="list_done", text=f"Notice {n}.") for n in range(3))
    assert visit("/").text("nav .news") == "3 unread"
    page = visit("/inbox")
    assert len(page.texts(".unread")) == 3
    newest = page.soup.select_one("[name=up_to]")
    assert newest is not None
    assert client.post("/inbox", data={"up_to": newest["value"]}).status_code == 303
    assert visit("/inbox").texts(".unread") == []
    assert visit("/").soup.select(".news") == []
    assert client.post("/inbox", data={"up_to": "all"}).status_code == 422


def test_the_page_of_a_list_costs_the_same_whatever_its_length(bundled: Flask, visit: Visit) -> None:
    from sqlalchemy import event

    list_id = a_list(NIKE)
    numbers = []
    for more in ((), (TARGET, 320193, 789019)):
        services.add_companies(list_id, [company(cik) for cik in more])
        statements: list[str] = []

        def heard(_c: Any, _cursor: Any, statement: str, *_rest: Any, kept: list[str] = statements) -> None:
            kept.append(statement)

        event.listen(db.engine, "before_cursor_execute", heard)
        visit(f"/watchlist?list={list_id}")
        event.remove(db.engine, "before_cursor_execute", heard)
        numbers.append(len(statements))
    assert numbers[0] == numbers[1]
