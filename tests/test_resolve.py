"""A name, ticker or CIK means one company, or the answer says why not."""

import pytest
from flask import Flask

from research_dashboard.extensions import writing
from research_dashboard.models import Company
from research_dashboard.queries.directory import suggest
from research_dashboard.services.companies import (
    AmbiguousCompany,
    CompanyError,
    EmptyCompany,
    KnownWithoutFigures,
    UnknownCompany,
    UnusableName,
    resolve,
)
from tests.makers import make_company

FOUND = {
    "Apple": "AAPL", "apple inc": "AAPL", "AAPL": "AAPL", " aapl ": "AAPL", "320193": "AAPL", "0000320193": "AAPL",
    "CIK0000320193": "AAPL", "cik 320193": "AAPL", "H&R Block": "HRB", "h & r block, inc.": "HRB", "Amazon": "AMZN",
    "JPMorgan": "JPM", "JP Morgan": "JPM", "Kraft": "KHC", "the trade desk": "TTD", "Trade Desk": "TTD",
    "GOOG": "GOOGL", "Alphabet": "GOOGL", "Duke Energy": "DUK", "BA-PA": "BA", "BA.PA": "BA", "Nike": "NKE",
}  # fmt: skip

REFUSED = {
    "": EmptyCompany, " \t ": EmptyCompany,
    "x" * 201: UnusableName, "Ap\x00ple": UnusableName, "Ap\x1bple": UnusableName,
    "%": UnknownCompany, "_": UnknownCompany, "A_ple": UnknownCompany, "1e30": UnknownCompany, "0": UnknownCompany,
    "10000000000000000000000": UnknownCompany, "日本": UnknownCompany, "Microsft": UnknownCompany,
    "Home": AmbiguousCompany, "Duke": AmbiguousCompany, "Gold": AmbiguousCompany, "&": AmbiguousCompany,
    "Ford Motor": KnownWithoutFigures, "BRK.B": KnownWithoutFigures, "brk/b": KnownWithoutFigures,
    "Apple Hospitality": KnownWithoutFigures, "NaN": KnownWithoutFigures,  # NAN is a fund's ticker
}  # fmt: skip


def test_each_way_to_name_a_company_finds_it(bundled: Flask) -> None:
    for text, ticker in FOUND.items():
        assert resolve(text).ticker == ticker, text


def test_what_is_no_one_company_is_refused_with_its_reason(bundled: Flask) -> None:
    for text, kind in REFUSED.items():
        with pytest.raises(CompanyError) as refusal:
            resolve(text)
        assert type(refusal.value) is kind, text
        assert str(refusal.value).endswith(".")


def test_an_over_long_name_is_told_the_limit(bundled: Flask) -> None:
    with pytest.raises(UnusableName, match="at most 200"):
        resolve("x" * 201)


@pytest.mark.parametrize(
    ("typed", "nearest"), [("Microsft", "MSFT"), ("Nvida", "NVDA"), ("Google", "GOOGL"), ("Appel Computre", "AAPL")]
)
def test_an_unknown_name_is_told_the_nearest(bundled: Flask, typed: str, nearest: str) -> None:
    with pytest.raises(UnknownCompany) as refusal:
        resolve(typed)
    assert nearest in refusal.value.choices[0].tickers
    assert nearest in str(refusal.value)


def test_what_is_offered_instead_says_whether_its_figures_are_here(bundled: Flask) -> None:
    with pytest.raises(UnknownCompany) as refusal:
        resolve("Appel Computre")
    assert refusal.value.choices[0].loaded
    assert "Apple Inc. (AAPL)" in str(refusal.value)
    with pytest.raises(UnknownCompany, match=r"BERKSHIRE HATHAWAY INC \([\w-]+, no figures here\)"):
        resolve("Berkshire Hathawy")


def test_a_question_back_names_the_choices(bundled: Flask) -> None:
    with pytest.raises(AmbiguousCompany) as refusal:
        resolve("Duke")
    assert [choice.tickers[0] for choice in refusal.value.choices] == ["DUK", "DUKR"]


def test_a_known_company_without_figures_is_taken_when_live_data_is_on(bundled: Flask) -> None:
    assert resolve("Ford Motor", need_figures=False).ticker == "F"
    with pytest.raises(KnownWithoutFigures, match="SEC_CONTACT"):
        resolve("Ford Motor")


def test_a_word_written_as_a_name_is_not_taken_for_a_ticker(in_app: Flask) -> None:
    make_company("Forward Industries, Inc.", 38264, "FORD")
    make_company("FORD MOTOR CO", 37996, "F")
    assert resolve("FORD").ticker == "FORD"
    with pytest.raises(AmbiguousCompany):
        resolve("Ford")


def test_of_two_companies_of_one_name_the_one_with_figures_is_meant(in_app: Flask) -> None:
    make_company("Acme Corp", 1, "ACM", figures=False)
    make_company("ACME, Inc.", 2, "ACME2")
    assert resolve("Acme").cik == 2


def test_a_company_is_found_by_a_name_it_had_before(bundled: Flask) -> None:
    for text, ticker in {"Apple Computer": "AAPL", "adobe systems inc": "ADBE", "Dayton Hudson": "TGT"}.items():
        assert resolve(text).ticker == ticker, text
    former = {found.ticker: found.former for found in suggest("dayton hud")}
    assert former == {"TGT": "DAYTON HUDSON CORP"}
    assert [(found.ticker, found.former) for found in suggest("AAPL", 1)] == [("AAPL", None)]
    make_company("Meta Platforms, Inc.", 1326801, "META")
    make_company("Dayton Hudson Toys Inc", 7, "DHT")
    with writing() as session:
        meta = session.query(Company).filter_by(cik=1326801).one()
        meta.former_names = [{"name": "Facebook Inc", "from": "2005-05-06", "to": "2021-10-28"}]
    assert resolve("facebook").ticker == "META"
    with pytest.raises(AmbiguousCompany, match="TARGET"):  # one is called so, the other was: asked back, not guessed
        resolve("Dayton Hudson")


def test_suggestions_put_the_exact_ticker_then_companies_with_figures_first(bundled: Flask) -> None:
    assert [found.ticker for found in suggest("a", 3)] == ["A", "AAPL", "AMZN"]
    first = suggest("micro")[0]
    assert (first.ticker, first.loaded) == ("MSFT", True)
    assert first.years >= 15
    assert suggest("ford motor")[0].years == 0
    assert all(found.loaded for found in suggest(""))
    assert suggest("%") == []
