"""The filter text: `status:failed AND (company:"general electric" OR duration>2) AND NOT tag:draft`.

AND, OR and NOT are read in any case, as are && for AND, | and || for OR, - and ! before what must not be; side by side
means AND; NOT binds tightest, then AND. A word alone is looked for in the names and in the full text. Parsed by lark
(filter_grammar.py); what it means is asked of run_fields.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import lru_cache

from sqlalchemy import ColumnElement, and_, not_, or_

from research_dashboard.queries.run_fields import BadValue, compare, holds_word

MOST_CHARACTERS = 2000
MOST_TERMS = 100
MOST_DEPTH = 40


class TextError(ValueError):
    """A filter text that cannot be understood: at which character (from 1), and what would do."""

    def __init__(self, position: int, detail: str) -> None:
        super().__init__(f"At character {position}: {detail}")
        self.position, self.detail = position, detail


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field op text`; `position` is where the text stands."""

    field: str
    op: str
    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Word:
    """A word alone."""

    text: str
    position: int


@dataclass(frozen=True, slots=True)
class Not:
    """What must not be; `position` is where that is said."""

    node: "Node"
    position: int


@dataclass(frozen=True, slots=True)
class Many:
    """All of them (AND) or any of them (OR)."""

    every: bool
    nodes: tuple["Node", ...]


Node = Comparison | Word | Not | Many


@lru_cache(maxsize=256)
def parse(text: str) -> Node:
    """The filter text as a tree. Raises TextError."""
    if len(text) > MOST_CHARACTERS:
        raise TextError(
            MOST_CHARACTERS + 1, f"The text has {len(text):,} characters; at most {MOST_CHARACTERS:,} are read."
        )
    from research_dashboard.queries.filter_grammar import tree

    node = tree(text)
    _bounded(node)
    return node


def _bounded(node: Node) -> None:
    """Refuse what the database would choke on."""
    terms, stack = 0, [(node, 1)]
    while stack:
        here, depth = stack.pop()
        if depth > MOST_DEPTH:
            raise TextError(_begin(here), f"From here on it is nested more than {MOST_DEPTH} deep.")
        if isinstance(here, Not):
            stack.append((here.node, depth + 1))
        elif isinstance(here, Many):
            stack.extend((child, depth + 1) for child in reversed(here.nodes))
        else:
            terms += 1
            if terms > MOST_TERMS:
                raise TextError(here.position, f"There are more than {MOST_TERMS} terms.")


def _begin(node: Node) -> int:
    """At which character the node begins, but for its parentheses."""
    while isinstance(node, Many):
        node = node.nodes[0]
    return node.position


def conjuncts(node: Node) -> tuple[Node, ...]:
    """The parts that must all hold."""
    if isinstance(node, Many) and node.every:
        return tuple(part for child in node.nodes for part in conjuncts(child))
    return (node,)


def written(node: Node, *, inside: bool = False) -> str:
    """The tree as text, which parses to the same tree; in parentheses where it stands inside another and needs them."""
    if isinstance(node, Word):
        return _quoted(node.text)
    if isinstance(node, Comparison):
        return f"{node.field}{node.op}{_quoted(node.text)}"
    if isinstance(node, Not):
        return f"NOT {written(node.node, inside=True)}"
    text = (" " if node.every else " OR ").join(written(child, inside=True) for child in node.nodes)
    return f"({text})" if inside else text


def _quoted(text: str) -> str:
    if re.fullmatch(r"(?!-|(?i:and|or|not)\Z)[^\s()\":=<>!|&\\]+", text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def words(node: Node) -> tuple[str, ...]:
    """The words that are looked for, to be marked in snippets; not those behind NOT."""
    if isinstance(node, Word):
        return (node.text,)
    if isinstance(node, Many):
        return tuple(word for child in node.nodes for word in words(child))
    return ()


def condition(node: Node, zone: tzinfo) -> ColumnElement[bool]:
    """The SQL of the tree. Raises TextError where a value does not suit its field."""
    if isinstance(node, Not):
        return not_(condition(node.node, zone))
    if isinstance(node, Many):
        join: Callable[..., ColumnElement[bool]] = and_ if node.every else or_
        return join(*(condition(child, zone) for child in node.nodes))
    try:
        return holds_word(node.text) if isinstance(node, Word) else compare(node.field, node.op, node.text, zone)
    except BadValue as error:
        raise TextError(node.position, str(error)) from None
