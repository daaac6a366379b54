"""Is every fact at hand what its source told? The database, and a run's stored facts, against the bundle that ships
and the SEC's answers as they are kept in INSTANCE/raw."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from research_dashboard.extensions import reading
from research_dashboard.models import ResearchRun, Source
from research_dashboard.queries.provenance import (
    WITH_ORIGIN,
    HeldFact,
    Holder,
    Key,
    Told,
    companies_of,
    facts_held,
    holders,
    loads_of,
    owners_of,
)
from research_dashboard.research.model import Fact
from research_dashboard.research.record import facts_in
from research_dashboard.research.verify import Verification, verify
from research_dashboard.sources.bundled import Bundle, read_bundle
from research_dashboard.sources.companyfacts import Row
from research_dashboard.sources.raw import ChangedAnswer, kept_figures

Facts = dict[Key, Told]


class Difference(NamedTuple):
    """A fact that is not what its source told."""

    company: str
    fact: str
    why: str

    def __str__(self) -> str:
        return f"{self.company}: {self.fact}: {self.why}"


@dataclass(slots=True)
class Comparison:
    """How many facts were compared with where they came from, which differ, and what could not be compared."""

    compared: int = 0
    differences: list[Difference] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)  # sentences

    @property
    def words(self) -> str:
        """4,210 of 4,210 facts are as their source told them."""
        wrong = len({(one.company, one.fact) for one in self.differences})
        return f"{max(self.compared - wrong, 0):,} of {self.compared:,} facts are as their source told them."


@dataclass(frozen=True, slots=True)
class Verified:
    """A run's figures against its facts, and its facts against where they came from."""

    figures: Verification
    facts: Comparison

    @property
    def sound(self) -> bool:
        """True when every figure is what its facts give and every fact what its source told."""
        return self.figures.sound and not self.facts.differences

    @property
    def words(self) -> str:
        """n of n figures, results and facts, and what could not be compared."""
        return " ".join((self.figures.words, self.facts.words, *self.facts.unseen))

    @property
    def problems(self) -> list[str]:
        """Each figure, fact and result that is not as it should be, in words."""
        figures = [f"{one.result}: {one.figure}: {one.why}" for one in self.figures.failures]
        changed = [f"{kind}: not what was stored at the end of the run" for kind in self.figures.changed]
        return [*figures, *map(str, self.facts.differences), *changed]


def verify_run(run: ResearchRun, results: Mapping[str, Any], instance: Path) -> Verified:
    """Recompute a run's figures from its facts, and follow its facts to where they came from.

    Only the companies whose facts the run holds are looked at, and only the loads that it stands on.
    """
    compare, facts = _Comparer(instance), _facts_of(results)
    source = Source.BUNDLED if run.source == Source.UPLOADED else Source(run.source or Source.BUNDLED)
    loads = {load["id"]: Load(load["id"], load["name"], load["version"], load["sha256"]) for load in run.loads or ()}
    with reading() as session:
        filers = companies_of(session, {cik for cik, _ in facts if cik is not None})
        private = owners_of(session, {key.accession for cik, key in facts if cik is None})
        held = {cik: facts_held(session, id_, source) for cik, (id_, _) in filers.items()}
        own = [fact for id_ in private for fact in facts_held(session, id_, Source.UPLOADED)]
    for cik, (id_, name) in sorted(filers.items()):
        told = compare.company(Holder(id_, cik, name, source), loads, held[cik])
        here: Facts = {fact.key: fact.told for fact in held[cik] if fact.load in loads}
        stored = {key: fact for (owner, key), fact in facts.items() if owner == cik}
        compare.stored(name, stored, told or here, "its source" if told else "the database")
    uploaded: Facts = {fact.key: fact.told for fact in own}
    ours = {key: fact for (owner, key), fact in facts.items() if owner is None}
    compare.stored(run.company, ours, uploaded, "the database")
    if ours:
        compare.unseen("Uploaded figures were compared with the database only: their file is not kept.")
    for cik in sorted({cik for cik, _ in facts if cik is not None} - filers.keys()):
        compare.done.differences.append(Difference(f"CIK {cik}", "its facts", "the company is not in the database"))
    return Verified(verify(results), compare.done)


def verify_companies(
    instance: Path, cik: int | None = None, progress: Callable[[float], None] = lambda part: None
) -> Comparison:
    """Compare every bundled and live fact of all companies, or of one, with where it came from."""
    compare = _Comparer(instance)
    with reading() as session:
        found = holders(session, cik)
        loads = {
            source: {load.id: Load(load.id, load.name, load.version, load.sha256) for load in loads_of(session, source)}
            for source in WITH_ORIGIN
        }
    for number, holder in enumerate(found, 1):
        with reading() as session:
            held = facts_held(session, holder.id, holder.source)
        compare.company(holder, loads[holder.source], held)
        progress(number / len(found))
    return compare.done


class Load(NamedTuple):
    """What is needed to find a load's content again."""

    id: int
    name: str
    version: str
    sha256: str


class _Comparer:
    """Compares, and keeps count."""

    def __init__(self, instance: Path) -> None:
        self.instance, self.done = instance, Comparison()

    @cached_property
    def bundle(self) -> Bundle:
        return read_bundle()

    def unseen(self, sentence: str) -> None:
        """Note, once, what could not be compared."""
        if sentence not in self.done.unseen:
            self.done.unseen.append(sentence)

    def company(self, company: Holder, loads: Mapping[int, Load], held: Sequence[HeldFact]) -> Facts:
        """Compare a filer's facts from these loads with what each load's content says; returns what they say.

        `held` are its facts from any load of the source: what none of them is, is missing.
        """
        name, source = company.name, company.source
        if source not in WITH_ORIGIN:
            names = ", ".join(sorted({load.name for load in loads.values()}))
            self.unseen(f"Imported figures were compared with the database only: the files of {names} are not kept.")
            return {}
        here, read = {fact.key for fact in held}, {fact.key.tag for fact in held}
        said: Facts = {}
        for load in loads.values():
            told = self._told(company, load)
            if told is None:
                continue
            shared = source == Source.BUNDLED  # facts that an older bundle brought, and this one has too
            mine = [fact for fact in held if fact.load == load.id or (shared and fact.key in told)]
            for fact in mine:
                self.done.compared += 1
                self._same(name, str(fact.key), told.get(fact.key), fact.told)
            for key in sorted(told.keys() - here, key=str):
                if key.tag not in read:  # fetched by a program that did not read this tag yet
                    self.unseen(f"Of {name}, {key.tag} was not read when its figures were stored.")
                    continue
                self.done.compared += 1
                self.done.differences.append(Difference(name, str(key), "its source has it, the database has not"))
            said = {**told, **said}
        return said

    def _told(self, company: Holder, load: Load) -> Facts | None:
        """What a load's content says of a company; None where it is another's, or the content is not at hand."""
        _, cik, name, source = company
        if cik is None or (source == Source.LIVE and load.name != f"CIK{cik:010}"):
            return None
        if source == Source.BUNDLED:
            if (load.version, load.sha256) == (self.bundle.version, self.bundle.sha256):
                return _by_key(self.bundle.facts(cik))
            if load.version != self.bundle.version:
                self.unseen(f"Bundle {load.version} no longer ships: figures that only it held were not compared.")
            return None
        try:
            rows = kept_figures(self.instance, cik, load.sha256)
        except ChangedAnswer as error:
            why = "it is not what its name's hash says: the file was changed or is damaged"
            self.done.differences.append(Difference(name, f"the SEC's answer raw/{load.name}/{error}", why))
            return None
        if rows is None:
            self.unseen(f"The SEC's answer of {load.version} for {name} is not kept: what it told was not compared.")
            return None
        return _by_key(rows)

    def stored(self, name: str, facts: Mapping[Key, Fact], told: Facts, teller: str) -> None:
        """Compare the facts that a run holds with what their source, or else the database, says."""
        for key, fact in facts.items():
            self.done.compared += 1
            ours = Told(fact.value, fact.filing.form, fact.filing.filed)
            self._same(name, f"{key} in the run", told.get(key), ours, teller)

    def _same(self, name: str, fact: str, told: Told | None, ours: Told, teller: str = "its source") -> None:
        if told is None:
            self.done.differences.append(Difference(name, fact, f"{teller} does not have it"))
            return
        for what, theirs, mine in zip(Told._fields, told, ours, strict=True):
            if theirs != mine:
                self.done.differences.append(Difference(name, fact, f"{what} is {mine}, {teller} says {theirs}"))


def _by_key(rows: Iterable[Row]) -> Facts:
    """Rows by what makes each a fact of its own; of two alike the first, as when they are stored."""
    found: Facts = {}
    for row in rows:
        key = Key(f"{row.taxonomy}:{row.tag}", row.unit, row.start, row.end, row.accession)
        found.setdefault(key, Told(row.value, row.form, row.filed))
    return found


def _facts_of(results: Mapping[str, Any]) -> dict[tuple[int | None, Key], Fact]:
    """The facts that a run's results hold, by filer (None for a private company) and what makes each one of its own."""
    found = {}
    for result in results.values():
        for fact in facts_in(result).values() if isinstance(result, Mapping) else ():
            key = Key(fact.name, fact.unit, fact.start, fact.end, fact.filing.accession)
            found[fact.filing.cik, key] = fact
    return found
