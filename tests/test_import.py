"""A quarterly data set of the SEC: read exactly, once, in flat memory; anything else is refused with its reason."""

import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from research_dashboard.models import Source
from research_dashboard.queries.companies import facts_of, stock
from research_dashboard.research.model import Company, Fact
from research_dashboard.research.steps import Request
from research_dashboard.services.companies import resolve
from research_dashboard.services.imports import import_data_set
from research_dashboard.services.research import Stored
from research_dashboard.sources.imported import SUB_COLUMNS, DataSet
from tests.conftest import Page

Visit = Callable[..., Page]
Filed = list[Any]
ROOT = Path(__file__).parent.parent
SHARED = next(
    (found for up in Path(__file__).resolve().parents[2:4] if (found := up / "shared/data/fsds/2009q3.zip").exists()),
    None,
)
SUB = list(SUB_COLUMNS)
NUM = ["adsh", "tag", "version", "ddate", "qtrs", "uom", "segments", "coreg", "value", "footnote"]
TAG = ["tag", "version", "custom", "abstract", "datatype", "iord", "crdr", "tlabel", "doc"]
ACME = "0000000009-25-000001"
FILED = [
    *(ACME, "9", "ACME CORP", "7372", "US", "NY", "NEW YORK", "DE", "1-LAF", "1231"),
    *("10-K", "20241231", "2024", "FY", "20250201", "OLD ACME", "20200101"),
]
REVENUES = [ACME, "Revenues", "us-gaap/2024", "20241231", "4", "USD", "", "", "1234567.0000", ""]
ASSETS = [ACME, "Assets", "us-gaap/2024", "20241231", "0", "USD", "", "", "99.5000", ""]
EPS = [ACME, "EarningsPerShareBasic", "us-gaap/2024", "20241231", "4", "USD", "", "", "-1.2300", ""]
TAGS = [
    ["Revenues", "us-gaap/2024", "0", "0", "monetary", "D", "C", "Revenues", ""],
    ["Assets", "us-gaap/2024", "0", "0", "monetary", "I", "D", "Assets", ""],
    ["NetIncomeLoss", "us-gaap/2024", "0", "0", "monetary", "D", "C", "Net Income (Loss)", ""],
    ["InterestIncomeExpenseNet", "us-gaap/2024", "0", "0", "monetary", "D", "C", "Net interest income", ""],
    ["NoninterestIncome", "us-gaap/2024", "0", "0", "monetary", "D", "C", "Non-interest income", ""],
    ["EarningsPerShareBasic", "us-gaap/2024", "0", "0", "perShare", "D", "", "Earnings Per Share, Basic", ""],
]


def data_set(path: Path, numbers: Sequence[Sequence[str]], submissions: Sequence[Sequence[str]] = (FILED,)) -> Path:
    """A data set's zip with these lines."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, header, lines in (
            ("sub", SUB, submissions),
            ("num", NUM, numbers),
            ("tag", TAG, TAGS),
            ("pre", ["adsh"], []),
        ):
            rows = ["\t".join(line) for line in (header, *lines)]
            archive.writestr(f"{name}.txt", "\n".join(rows) + "\n")
    return path


def acme() -> Company:
    return resolve("Acme")


def facts() -> dict[str, Fact]:
    return {fact.tag: fact for fact in facts_of(acme().id, Source.IMPORTED)}


def test_what_is_imported_is_what_was_filed(in_app: Flask, tmp_path: Path) -> None:
    load = import_data_set(data_set(tmp_path / "2025q1.zip", [REVENUES, ASSETS, EPS]))
    assert (load.facts, load.companies, load.version) == (3, 1, "2025q1")
    found = facts()
    revenue = found["Revenues"]
    assert (revenue.start, revenue.end, revenue.value) == (date(2024, 1, 1), date(2024, 12, 31), Decimal(1234567))
    assert (revenue.filing.accession, revenue.filing.form, revenue.filing.filed) == (ACME, "10-K", date(2025, 2, 1))
    assert (found["Assets"].start, found["Assets"].value) == (None, Decimal("99.5"))
    assert (found["EarningsPerShareBasic"].unit, found["EarningsPerShareBasic"].value) == (
        "USD/shares",
        Decimal("-1.23"),
    )
    company = acme()
    assert (company.cik, company.sic, company.office, company.category) == (
        9,
        7372,
        "Technology",
        "Large accelerated filer",
    )


def test_segments_co_registrants_unread_tags_and_unknown_filings_are_left_out(in_app: Flask, tmp_path: Path) -> None:
    lines = [
        REVENUES,
        [*ASSETS[:6], "LegalEntity=Parent;", *ASSETS[7:]],
        [*ASSETS[:7], "Sub", *ASSETS[8:]],
        [ACME, "MyOwnTag", ACME, *REVENUES[3:]],
        [*ASSETS[:8], "", ""],
        ["0000000009-25-999999", *ASSETS[1:]],
    ]
    assert import_data_set(data_set(tmp_path / "2025q1.zip", lines)).facts == 1


def test_lines_that_make_no_sense_are_counted_and_left_out(tmp_path: Path) -> None:
    lines = [
        REVENUES,
        [*ASSETS[:3], "20241399", *ASSETS[4:]],
        [*ASSETS[:4], "x", *ASSETS[5:]],
        [*ASSETS[:8], "NaN", ""],
        ASSETS[:4],
    ]
    with DataSet(data_set(tmp_path / "2025q1.zip", lines)) as data:
        batches = list(data.batches())
    assert sum(len(batch.numbers) for batch in batches) == 1
    assert sum(batch.malformed for batch in batches) == 4


def run_import(app: Flask, path: Path) -> tuple[int, str]:
    done = app.test_cli_runner().invoke(args=["companies", "import", str(path)])
    return done.exit_code, done.output


def test_malformed_lines_are_named_with_file_line_and_why(in_app: Flask, tmp_path: Path) -> None:
    lines = [REVENUES, ASSETS[:4], *[[*ASSETS[:8], "x", ""]] * 8]
    code, said = run_import(in_app, data_set(tmp_path / "2025q1.zip", lines, [FILED, FILED[:3]]))
    assert code == 0
    assert "10 malformed lines were left out: sub.txt line 3: 3 columns" in said
    assert "num.txt line 3: 4 columns" in said
    assert "num.txt line 4: qtrs or value is no number" in said
    assert "and 5 more." in said


def test_a_data_set_without_a_usable_line_fails_and_status_says_why(in_app: Flask, tmp_path: Path) -> None:
    code, said = run_import(in_app, data_set(tmp_path / "2025q1.zip", [ASSETS[:4]]))
    assert code == 1
    assert "No figure of 2025q1.zip can be used. 1 malformed line was left out: num.txt line 2" in said
    status = in_app.test_cli_runner().invoke(args=["companies", "status"]).output
    assert "not finished: No figure of 2025q1.zip can be used." in status
    assert "Fetch the file again." in status


def test_importing_twice_changes_nothing(in_app: Flask, tmp_path: Path) -> None:
    path = data_set(tmp_path / "2025q1.zip", [REVENUES, ASSETS])
    first, held = import_data_set(path), stock()
    again = import_data_set(path)
    assert (again.id, stock()) == (first.id, held)


def test_an_import_broken_off_goes_on_where_it_stopped(
    in_app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [[*ASSETS[:3], f"2{year:03}1231", *ASSETS[4:]] for year in range(30)]
    path = data_set(tmp_path / "2025q1.zip", lines)
    whole = DataSet.batches
    monkeypatch.setattr(DataSet, "batches", lambda self, skip=0: whole(self, skip, size=7))

    def stop(part: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_data_set(path, stop)
    assert stock().facts == 7
    parts: list[float] = []
    assert import_data_set(path, parts.append).facts == 30
    assert len(parts) == 4
    assert parts[-1] == 1.0


def test_a_company_already_described_keeps_its_description(bundled: Flask, tmp_path: Path) -> None:
    apple = resolve("AAPL")
    import_data_set(data_set(tmp_path / "2025q1.zip", [REVENUES], [[FILED[0], "320193", "APPLE", *FILED[3:]]]))
    assert resolve("AAPL") == apple


def test_text_of_an_old_file_is_read(in_app: Flask, tmp_path: Path) -> None:
    path = data_set(tmp_path / "x.zip", [REVENUES])
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as archive:
        sub = "\t".join(SUB) + "\n" + "\t".join([ACME, "9", "SOCIÉTÉ ACME", *FILED[3:]]) + "\n"
        archive.writestr("2009q1/sub.txt", sub.encode("cp1252"))
        for name in ("num.txt", "tag.txt"):
            archive.writestr(f"2009q1/{name}", zipfile.ZipFile(path).read(name))
    import_data_set(tmp_path / "old.zip")
    assert resolve("societe acme", need_figures=False).name == "SOCIÉTÉ ACME"


def broken_zips(folder: Path) -> dict[str, Path]:
    """What must be refused -> a file of that kind."""
    good = data_set(folder / "good.zip", [REVENUES] * 2000)
    content = good.read_bytes()
    (folder / "cut.zip").write_bytes(content[: len(content) // 2])
    (folder / "text.zip").write_text("adsh\tcik")
    damaged = bytearray(content)
    damaged[content.index(b"num.txt") + 40] ^= 0xFF
    (folder / "damaged.zip").write_bytes(damaged)
    for name, members in {
        "other.zip": {"readme.txt": b"x"},
        "bomb.zip": {"sub.txt": b"\0" * 30_000_000, "num.txt": b"", "tag.txt": b""},
        "columns.zip": {"sub.txt": b"a\tb\n", "num.txt": b"a\n", "tag.txt": b"a\n"},
        "empty.zip": {"sub.txt": "\t".join(SUB).encode(), "num.txt": b"", "tag.txt": b""},
    }.items():
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, text in members.items():
                archive.writestr(member, text)
    return {
        "no file": folder / "absent.zip",
        "not a zip": folder / "cut.zip",
        "can be read": folder / "text.zip",
        "damaged": folder / "damaged.zip",
        "holds no sub.txt": folder / "other.zip",
        "would unpack to": folder / "bomb.zip",
        "no column adsh": folder / "columns.zip",
        "names no filing": folder / "empty.zip",
    }


def test_what_is_no_data_set_is_refused_and_leaves_nothing(in_app: Flask, tmp_path: Path) -> None:
    runner = in_app.test_cli_runner()
    for reason, path in broken_zips(tmp_path).items():
        result = runner.invoke(args=["companies", "import", str(path)])
        assert result.exit_code == 1, reason
        assert reason in result.output, result.output
    assert stock().facts == 0


def test_a_data_set_without_a_figure_that_research_reads_fails_and_says_so(in_app: Flask, tmp_path: Path) -> None:
    path = data_set(tmp_path / "2025q1.zip", [[REVENUES[0], "NoticeMadeUp", *REVENUES[2:]]])
    result = in_app.test_cli_runner().invoke(args=["companies", "import", str(path)])
    assert result.exit_code == 1
    assert "none of its lines has a figure that research reads" in result.output
    assert "none of its lines" in in_app.test_cli_runner().invoke(args=["companies", "status"]).output
    assert stock().facts == 0


def test_the_command_says_what_came_in(in_app: Flask, tmp_path: Path) -> None:
    path = data_set(tmp_path / "2025q1.zip", [REVENUES, ASSETS])
    result = in_app.test_cli_runner().invoke(args=["companies", "import", str(path)])
    assert "2025q1.zip: 2 facts of 1 company" in result.output
    assert "2025q1.zip" in in_app.test_cli_runner().invoke(args=["companies", "status"]).output


@pytest.mark.skipif(SHARED is None, reason="the SEC's data set of 2009q3 is not at hand")
def test_a_real_data_set_is_imported_once(in_app: Flask) -> None:
    assert SHARED is not None
    assert (load := import_data_set(SHARED)).facts == 35_661
    assert load.companies == 423
    held = stock()
    import_data_set(SHARED)
    assert stock() == held


def test_a_crowd_is_measured_by_what_it_filed_by_the_day(in_app: Flask, tmp_path: Path) -> None:
    later = ["0000000009-26-000001", *FILED[1:11], "20251231", "2025", "FY", "20260201", *FILED[15:]]
    lines = [REVENUES, [later[0], "Revenues", "us-gaap/2025", "20251231", "4", "USD", "", "", "2000000.0000", ""]]
    import_data_set(data_set(tmp_path / "2026q1.zip", lines, [FILED, later]))
    for day, revenue in ((date(2025, 6, 30), 1234567), (date(2026, 6, 30), 2000000)):
        held = Stored(Request(1, acme(), day, "imported"))
        assert {id_: size.revenue for id_, size in held.sizes([acme()], "USD").items()} == {acme().id: revenue}
    assert not held.sizes([acme()], "EUR")


def test_the_quarters_of_an_imported_company_are_on_its_page_the_fourth_as_a_difference(
    in_app: Flask, tmp_path: Path, visit: Visit
) -> None:
    def report(number: int, form: str, filed: str, end: str, *flows: tuple[str, str, str]) -> tuple[Filed, Filed]:
        accession = f"0000000009-25-{number:06}"
        submission = [accession, *FILED[1:10], form, end, "2024", "FY", filed, *FILED[15:]]
        return submission, [
            [accession, *REVENUES[1:3], day, qtrs, "USD", "", "", value, ""] for day, qtrs, value in flows
        ]

    third = report(1, "10-Q", "20241101", "20240930", ("20240930", "1", "30e6"), ("20240930", "3", "70e6"))
    annual = report(2, "10-K", "20250201", "20241231", ("20241231", "4", "110e6"))
    lines = [third, annual]
    import_data_set(data_set(tmp_path / "2025q1.zip", [x for _, n in lines for x in n], [s for s, _ in lines]))
    page = visit("/companies/9")
    row = page.soup.select_one("section[aria-labelledby=q-h] tbody tr")
    assert [cell.get_text(strip=True) for cell in row.select("th, td")] == ["Revenue", "30", "40d"]
    facts = [str(link["href"]) for link in page.soup.select("section[aria-labelledby=q-h] a[href^='/facts/']")]
    assert len(facts) == 3
    assert "110,000,000 USD" in visit(facts[1]).text(".tile .value")
    assert "110 from 1 Jan 2024 to 31 Dec 2024 − 70 from 1 Jan 2024 to 30 Sep 2024" in page.text(
        "#quarter-revenue-2024-12-31"
    )


def test_a_bank_s_quarters_have_revenue_as_the_sum_that_its_rule_names(
    in_app: Flask, tmp_path: Path, visit: Visit
) -> None:
    bank = [*FILED[:3], "6021", *FILED[4:]]
    parts = {"InterestIncomeExpenseNet": "60e6", "NoninterestIncome": "40e6"}
    lines = [[ACME, tag, "us-gaap/2024", "20240930", "1", "USD", "", "", value, ""] for tag, value in parts.items()]
    import_data_set(data_set(tmp_path / "2025q1.zip", lines, [bank]))
    page = visit("/companies/9")
    assert page.texts("section[aria-labelledby=q-h] tbody tr")[0].split() == ["Revenue", "100", "d"]
    assert "100 = 60 net interest income from 1 Jul 2024 to 30 Sep 2024 + 40 non-interest income from" in page.text(
        "#quarter-revenue-2024-09-30"
    )


def test_an_import_killed_in_the_middle_goes_on(in_app: Flask, tmp_path: Path) -> None:
    lines = [[*ASSETS[:3], f"2{year:03}1231", *ASSETS[4:]] for year in range(30)]
    path = data_set(tmp_path / "2025q1.zip", lines)
    program = """
import os, signal, sys
from pathlib import Path
from research_dashboard import create_app
from research_dashboard.services import imports
from research_dashboard.sources.imported import DataSet
whole, seen = DataSet.batches, []
DataSet.batches = lambda self, skip=0: whole(self, skip, size=7)
add = imports.insert_facts
def killed(*given):
    add(*given)
    seen.append(1)
    if len(seen) == 3:
        os.kill(os.getpid(), signal.SIGKILL)  # within the transaction of the third part
imports.insert_facts = killed
with create_app().app_context():
    imports.import_data_set(Path(sys.argv[1]))
"""
    url = in_app.config["SQLALCHEMY_DATABASE_URI"]
    instance = str(in_app.config["SETTINGS"].instance)
    environment = {**os.environ, "RESEARCH_DASHBOARD_DATABASE_URL": url, "RESEARCH_DASHBOARD_INSTANCE": instance}
    killed = subprocess.run([sys.executable, "-c", program, str(path)], env=environment, cwd=ROOT, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert stock().facts == 14
    assert import_data_set(path).facts == 30
    assert import_data_set(path).facts == stock().facts == 30


def test_a_foreign_seat_without_a_state_is_said_to_be_a_countrys(in_app: Flask, tmp_path: Path) -> None:
    abroad = [*FILED[:4], "IL", "", "TEL AVIV", *FILED[7:]]
    import_data_set(data_set(tmp_path / "2025q1.zip", [REVENUES], [abroad]))
    assert (acme().state, acme().city) == ("country IL", "TEL AVIV")
