"""The tear sheet in words: what it is, how it stands, what changed, what to look at. Each figure keeps its cell."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from research_dashboard.reports import layout
from research_dashboard.reports.book import JSON, Book
from research_dashboard.reports.model import Finding, Gap, RunFacts, Standing
from research_dashboard.reports.sentences import Fragment, Sentence, plain, say
from research_dashboard.reports.unsaid import NOT_IN_DATA, why_undrawn
from research_dashboard.research import wording
from research_dashboard.research.concepts import OWN
from research_dashboard.research.peers import CLOSE_FROM, NARROW
from research_dashboard.research.places import seat


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest year's figures, and the year before, by concept."""

    book: Book
    every: Mapping[str, Sequence[JSON]]
    standing: Sequence[Standing]
    position: JSON
    restated: int  # figures of the years shown that later filings restated

    @property
    def unranked(self) -> str:
        """Why the first screen gives no rank: the peers are no kin, too few, or chosen by revenue; empty where it does.

        The section on peers shows the set and its ranks all the same (FINANCE.md, sections 4 and 7), below a warning.
        """
        peers = self.position.get("set") or {}
        if peers.get("level") == "all":
            return "The peers at hand share no industry with it, so its rank among them says little."
        if peers.get("level", "sic4") not in NARROW:
            return "The peers at hand share no more than a broad industry with it, so its rank among them says little."
        if 0 < peers.get("peers", CLOSE_FROM) < CLOSE_FROM:
            return "Fewer than three peers are at hand, so its rank among them says little."
        if peers.get("crowd"):
            return "Its peers are those nearest in revenue, so its rank among them says little."
        return ""

    def figure(self, concept: str, back: int = 0) -> JSON | None:
        """The figure `back` years before the newest; None where the results have none."""
        figures = self.every.get(concept) or ()
        return figures[-1 - back] if len(figures) > back else None

    def present(self, concept: str) -> bool:
        """True when the newest year has a value."""
        figure = self.figure(concept)
        return figure is not None and figure.get("value") is not None

    def reported(self, concept: str) -> bool:
        """True when filings say, or fail to say, the newest year's: it applies, and was looked for in all of them."""
        figure = self.figure(concept)
        return figure is not None and not why_undrawn([figure])

    def words(self, concept: str) -> Fragment:
        """The newest value as a sentence says it, with its cell."""
        figure = self.figure(concept)
        assert figure is not None  # noqa: S101  # asked only when present
        return Fragment(wording.in_words(figure), self.book.cell(figure))

    def change(self, concept: str) -> str:
        """The change against the year before: +6.4%; empty where there is none to speak of."""
        now, before = self.figure(concept), self.figure(concept, 1)
        if now is None or before is None:
            return ""
        shown = wording.change(now, before)
        if now["unit"] not in {"percent", "ratio", "days"} and (now.get("value") or 0) < 0:
            return ""  # from a profit to a loss: a percentage would say nothing
        return "" if shown in {wording.DASH, wording.NOT_MEANINGFUL} else shown

    def rank(self, concept: str) -> str:
        """4 of 6; empty where it is not ranked, or where a rank would say little."""
        found = "" if self.unranked else next((row.rank for row in self.standing if row.ratio == concept), "")
        return "" if found == wording.DASH else found

    def below(self, concept: str) -> str:
        """The line under a tile: the change, then the rank; why, where there is no value."""
        figure, before = self.figure(concept), self.figure(concept, 1)
        if figure is None or figure.get("value") is None:
            return wording.why(figure) if figure else ""
        parts = []
        year = self.book.years.get(before["period"]["end"], "") if before else ""
        if before is not None and before.get("value") is not None:
            if figure["unit"] in {"percent", "ratio"}:
                parts.append(f"{wording.display(before, self.book.scale)} in {year}")
            elif self.change(concept):
                parts.append(f"{self.change(concept)} on {year}")
            else:
                parts.append(f"{wording.in_words(before)} in {year}")
        if self.rank(concept):
            parts.append(f"rank {self.rank(concept)}")
        return " · ".join(parts)


def identity(profile: JSON, ticker: str | None) -> tuple[str, ...]:
    """The line under the name: ticker, exchange, CIK."""
    cik = profile.get("cik")
    parts = [profile.get("ticker") or ticker, profile.get("exchange"), f"CIK {cik:010}" if cik else "private company"]
    return tuple(part for part in parts if part)


SIGNS = f"+{wording.MINUS}"
SOURCES: Mapping[str, str] = {
    "bundled": "data shipped with the program",
    "imported": "SEC data sets, imported",
    "live": "SEC, live",
    "uploaded": "uploaded figures, not filed with the SEC",
}


def basis(health: JSON, as_of: date | None, source: str | None) -> str:
    """FY2025, year ended 27 Sep 2025; 10-K filed 31 Oct 2025; as known on 28 Feb 2026; data shipped with …."""
    years = health.get("years") or []
    parts = []
    if years:
        year = years[-1]
        parts.append(wording.year_ended(year["label"], year["end"]))
        if year.get("form") and year.get("filed"):
            verb = "" if year["form"] == OWN else " filed"  # "uploaded 3 Feb 2026" speaks for itself
            parts.append(f"{year['form']}{verb} {wording.long_date(year['filed'])}")
    known = health.get("as_of") or as_of
    if known:
        parts.append(f"as known on {wording.long_date(known)}")
    if source:
        parts.append(SOURCES.get(source, source))
    return "; ".join(parts)


def answers(
    latest: Latest, swot: Sequence[tuple[str, str, str, Sequence[Finding]]], gaps: Sequence[Gap]
) -> tuple[tuple[str, tuple[Sentence, ...]], ...]:
    """The four questions a first screen answers."""
    return (
        ("What it is", what_it_is(latest)),
        ("How it stands", how_it_stands(latest)),
        ("What changed", what_changed(latest)),
        ("What to look at", what_to_look_at(latest, swot, gaps)),
    )


def what_it_is(latest: Latest) -> tuple[Sentence, ...]:
    """Industry, seat, listing, kind of filer, fiscal year."""
    profile = latest.book.profile
    sentences = []
    place = seat(profile.get("city"), profile.get("state"))
    if profile.get("sic_description"):
        code = f" (SIC {profile['sic']:04})" if profile.get("sic") else ""
        at = f", {place}" if place else ""
        sentences.append(f"{_sentence(profile['sic_description'])}{code}{at}.")
    elif place:
        sentences.append(f"{place}.")
    if profile.get("exchange") and profile.get("ticker"):
        sentences.append(f"Listed on {profile['exchange']} as {profile['ticker']}.")
    if profile.get("category"):
        sentences.append(f"{profile['category'].replace('<br>', ', ')}.")
    years = latest.book.health.get("years") or []
    if years:
        sentences.append(f"Last fiscal year: {wording.year_ended(years[-1]['label'], years[-1]['end'])}.")
    return ((Fragment(" ".join(sentences) or "Nothing but its name is at hand."),),)


def _sentence(words: str) -> str:
    """NATIONAL COMMERCIAL BANKS as National commercial banks."""
    return words.capitalize() if words.isupper() else words


def how_it_stands(latest: Latest) -> tuple[Sentence, ...]:
    """Revenue, its rank and share in the set; the margin and its rank."""
    sentences: list[Sentence] = []
    share, place, of = (latest.position.get(key) for key in ("market_share", "rank", "of"))
    if latest.present("revenue"):
        revenue = latest.words("revenue")
        if latest.unranked:
            sentences.append(say(f"Revenue of {{}}. {latest.unranked}", revenue))
        elif place and of and isinstance(share, Mapping) and share.get("value") is not None:
            sentences.append(say(f"Revenue of {{}}: number {place} of {of}, with {share['wording']}.", revenue))
        else:
            sentences.append(say("Revenue of {}. There are no peers at hand to rank it among.", revenue))
    else:
        absent = latest.figure("revenue") or {}
        words = "Revenue is not in the data at hand" if absent.get("code") == NOT_IN_DATA else "No revenue is reported"
        sentences.append((Fragment(words, anchor="#gaps"), Fragment(" for the latest year.")))
    for concept, name in (("om", "operating"), ("nm", "net")):
        if latest.present(concept):
            figure = latest.figure(concept)
            loss = figure is not None and figure["value"] < 0
            rank = f", rank {latest.rank(concept)}" if latest.rank(concept) else ""
            words = f"The {name} margin is {{}}" if loss else f"Keeps {{}} of it as {name} income"
            sentences.append(say(f"{words}{rank}.", latest.words(concept)))
            break
    return tuple(sentences)


def what_changed(latest: Latest) -> tuple[Sentence, ...]:
    """Against the year before: revenue, net income, operating cash flow, debt; restatements."""
    years = latest.book.health.get("years") or []
    if len(years) < 2:
        return (say("No earlier year is at hand to compare with."),)
    changes: list[tuple[str, Fragment]] = []
    for concept, name in (("revenue", "revenue"), ("net_income", "net income"), ("ocf", "operating cash flow")):
        growth = latest.figure("g1") if concept == "revenue" else None
        if growth is not None and growth.get("value") is not None:
            words = wording.percent(growth["value"], signed=True)
            changes.append((name, Fragment(words, latest.book.cell(growth))))
        elif latest.change(concept):
            changes.append((name, Fragment(latest.change(concept), latest.words(concept).cell)))
        elif latest.present(concept):
            before = latest.figure(concept, 1)
            if before is not None and before.get("value") is not None:
                now = latest.words(concept)
                changes.append((name, Fragment(f"{now.text} after {wording.in_words(before)}", now.cell)))
    sentences: list[Sentence] = []
    if changes:
        template = ", ".join(f"{name} {{}}" for name, _ in changes)
        values = [fragment for _, fragment in changes]
        sentences.append(say(f"Against {years[-2]['label']}: {template}.", *values))
    if latest.present("debt") and latest.change("debt"):
        change = latest.change("debt")
        direction = "fell" if change.startswith(wording.MINUS) else "rose"
        sentences.append(say(f"Debt {direction} {change.lstrip(SIGNS)} to {{}}.", latest.words("debt")))
    if latest.restated:
        words = wording.counted(latest.restated, "filed figure")
        verb = "was" if latest.restated == 1 else "were"
        sentences.append((Fragment(words, anchor="#restated"), Fragment(f" {verb} restated by later filings.")))
    return tuple(sentences) or (say("No figure of both years is at hand."),)


def what_to_look_at(
    latest: Latest, swot: Sequence[tuple[str, str, str, Sequence[Finding]]], gaps: Sequence[Gap]
) -> tuple[Sentence, ...]:
    """The weightiest weakness and threat, a third finding, and the first gap."""
    by_quadrant = {key: sorted(findings, key=lambda found: -found.score) for key, _, _, findings in swot}
    worst = [by_quadrant[key][0] for key in ("weaknesses", "threats") if by_quadrant.get(key)]
    rest = [
        found
        for key, _, _, findings in swot
        for found in findings
        if found not in worst and key in ("weaknesses", "threats")
    ]
    best = [by_quadrant[key][0] for key in ("strengths", "opportunities") if by_quadrant.get(key)]
    chosen = (worst + sorted(rest, key=lambda found: -found.score) + best)[:3]
    sentences = [_stop(found.sentence) for found in chosen]
    unfiled = [gap for gap in gaps if gap.code != NOT_IN_DATA]
    told = [gap for gap in unfiled if _surprising(latest, gap)]
    if told:
        gap, others = told[0], len(unfiled) - 1
        more = f", and {wording.counted(others, 'further gap')}" if others else ""
        words = f"{gap.label} {wording.is_or_are(gap.label)} not reported for {gap.span}"
        sentences.append((Fragment(words, anchor=f"#{gap.id}"), Fragment(f"{more}.")))
    elif unfiled:
        words = wording.counted(len(unfiled), "lesser figure")
        verb = "is" if len(unfiled) == 1 else "are"
        sentences.append((Fragment(words, anchor="#gaps"), Fragment(f" {verb} not reported.")))
    return tuple(sentences) or (say("No rule fired." if gaps else "No rule fired, and no figure is missing."),)


def _surprising(latest: Latest, gap: Gap) -> bool:
    """True for what a reader would expect: usual in its sector, and a main line or one reported in another year."""
    if latest.book.health.get("sector") in ("bank", "insurer") and gap.concept in layout.NOT_FOR_FINANCIALS:
        return False
    if gap.concept == "rnd" and latest.book.profile.get("sic") in layout.RETAIL:
        return False
    ever = any(figure.get("value") is not None for figure in latest.every.get(gap.concept) or ())
    return ever or gap.concept in layout.CORE


def _stop(sentence: Sentence) -> Sentence:
    return sentence if plain(sentence).endswith(".") else (*sentence, Fragment("."))


def peer_line(latest: Latest) -> Sentence:
    """Rank, share of the named set, growth and margin against the median."""
    share, rank, of = (latest.position.get(key) for key in ("market_share", "rank", "of"))
    if not (rank and of and isinstance(share, Mapping) and share.get("value") is not None):
        return say("No peers with revenue in the same calendar year are at hand, so there is no rank and no share.")
    parts = [f"Number {rank} of {of} by revenue; {share['wording']}."]
    for row in latest.standing:
        if row.ratio in ("g1", "om") and row.median != wording.DASH and row.value is not None:
            parts.append(f"{row.label} {row.shown} against a median of {row.median}.")
    return (Fragment(" ".join(parts)),)


def rules_line(analysis: JSON, scale: wording.Scale) -> str:
    """Nine findings: 9 rules fired, 34 could be tested, of 36."""
    if "rules" not in analysis:
        return "Findings by declared rules, each with its evidence"
    fired, tested, rules = (analysis.get(key, 0) for key in ("fired", "tested", "rules"))
    fired_words = "No rule fired" if not fired else f"{wording.counted(fired, 'rule')} fired"
    return f"{fired_words}; {tested} of {rules} could be tested. Evidence in {scale.title}."


def method(run: RunFacts, manifest: JSON, health: JSON) -> tuple[tuple[str, str], ...]:
    """How the report was made, from what, by which rules."""
    rows: list[tuple[str, str]] = []
    view = "first" if health.get("view") == "first" else "latest"
    known = health.get("as_of") or (run.as_of.isoformat() if run.as_of else None)
    until = f" filed by {wording.long_date(known)}" if known else ""
    rows.append(("Figures", f"As stated by the {view} filing of each year among those{until}. Nothing is estimated."))
    rows.append(
        ("Share of set", "Revenue over the sum of the revenue that the named companies report; never of a market.")
    )
    averages = (
        "A flow over a balance uses the mean of opening and closing balance; two balances are compared as they close."
    )
    rows.append(("Averages", averages))
    for data in manifest.get("data") or ():
        rows.append(
            ("Data", " ".join(str(data.get(k)) for k in ("source", "name", "version") if data.get(k)) + _hash(data))
        )
    rows.append(("Rules version", str(manifest.get("rules_version") or run.rules_version or "not recorded")))
    if manifest.get("code_version"):
        rows.append(("Program", f"Research Dashboard {manifest['code_version']}"))
    if manifest.get("facts_used") is not None:
        rows.append(("Facts used", wording.number(manifest["facts_used"])))
    return tuple(rows)


def _hash(data: Mapping[str, Any]) -> str:
    return f", sha256 {data['sha256'][:16]}…" if data.get("sha256") else ""
