"""The sector of a company whose industry is not known: told from what it files, by tags that only its kind files.

A live run asks for a peer's figures alone (one request a peer), and a peer known by name alone has no SIC code. To read
a bank as an ordinary company would show a debt to equity that means nothing, so its own newest report decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from research_dashboard.research.concepts import SECTOR_TAGS, Sector, sector_of
from research_dashboard.research.periods import Filed
from research_dashboard.research.wording import listed

KINDS = {"bank": "a bank", "insurer": "an insurer", "utility": "a utility"}


@dataclass(frozen=True, slots=True)
class Told:
    """A sector, and the tags that told it; none where the SIC code did, or where nothing did."""

    sector: Sector
    tags: tuple[str, ...] = ()

    def words(self, name: str) -> str:
        """How the sector was told from tags, for a reader; empty where the SIC code told it, or nothing did."""
        if not self.tags:
            return ""
        tags, kind = listed([tag.partition(":")[2] for tag in self.tags]), KINDS[self.sector]
        return f"The industry of {name} is not known here; it is read as {kind}: its newest annual report files {tags}."


def told(sic: int | None, filed: Sequence[Filed]) -> Told:
    """The sector by SIC code, or, without one, by the tags of the newest annual report."""
    if sic is not None:
        return Told(sector_of(sic))
    newest = max((one for one in filed if one.is_statement), key=lambda one: one.order, default=None)
    names = {tag for tag, _, _ in newest.values} if newest else set()
    for sector, tags, needed in SECTOR_TAGS:
        found = tuple(tag for tag in tags if tag in names)
        if len(found) >= needed:
            return Told(sector, found[:needed])
    return Told("general")
