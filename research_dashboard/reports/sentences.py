"""Sentences that keep, for each figure in them, the cell it is."""

from collections.abc import Sequence
from typing import NamedTuple

from research_dashboard.reports.book import Cell


class Fragment(NamedTuple):
    """Words, and the figure they state or the place they point to, if any."""

    text: str
    cell: Cell | None = None
    anchor: str = ""


Sentence = tuple[Fragment, ...]


def plain(sentence: Sentence) -> str:
    """The sentence without its links."""
    return "".join(fragment.text for fragment in sentence)


def say(template: str, *values: Fragment | str) -> Sentence:
    """A sentence with each {} replaced by the next value."""
    parts = template.split("{}")
    out = [Fragment(parts[0])] if parts[0] else []
    for value, rest in zip(values, parts[1:], strict=True):
        out.append(value if isinstance(value, Fragment) else Fragment(value))
        if rest:
            out.append(Fragment(rest))
    return tuple(out)


def linked(sentence: str, known: Sequence[tuple[str, Cell]]) -> Sentence:
    """The sentence with every value that a known figure states turned into a link to it; longest values first."""
    out = [Fragment(sentence)]
    for words, cell in sorted(known, key=lambda item: -len(item[0])):
        if not cell.present or not any(character.isdigit() for character in words):
            continue
        for at, fragment in enumerate(out):
            before, found, after = fragment.text.partition(words)
            if found and fragment.cell is None and not before[-1:].isdigit() and not after[:1].isdigit():
                middle = [Fragment(before), Fragment(found, cell), Fragment(after)]
                out[at : at + 1] = [piece for piece in middle if piece.text]
                break
    return tuple(out)
