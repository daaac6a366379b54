"""The grammar of the filter text; apart from it because lark takes 0.1 s to load and few requests need it."""

import re
from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from research_dashboard.queries.filter_text import Comparison, Many, Node, Not, TextError, Word
from research_dashboard.queries.run_fields import ALIASES, FIELDS

GRAMMAR = r"""
?start: either
?either: both (_OR both)*
?both: one (_AND? one)*
?one: (NOT | MINUS) one -> negated
    | "(" either ")"
    | FIELD OPERATOR value -> comparison
    | value -> word
value: QUOTED | BARE
FIELD.3: /[A-Za-z_]+(?=\s*(:|!=|<>|<=|>=|=|<|>))/
OPERATOR.2: /:|!=|<>|<=|>=|=|<|>/
MINUS.2: /-(?=[^\s)|])|!(?![\s=])/
_AND: /and(?![^\s()"|])/i | "&&"
_OR: /or(?![^\s()"|])/i | /\|\|?/
NOT: /not(?![^\s()"|])/i
QUOTED: /"([^"\\]|\\.)*"/
BARE: /(?!((and|or|not)(?![^\s()"|]))|&&)[^\s()":=<>!|]((?!&&)[^\s()"|])*/i
%import common.WS
%ignore WS
"""
DANGLING = re.compile(r"(?i)(?:(?<![^\s()\"|])(?:and|or|not)|&&|\||!|-)\s*\Z")  # it wants something after it


class _Build(Transformer[Token, Any]):
    """What the parser reads becomes our tree."""

    def value(self, children: list[Token]) -> tuple[str, int]:
        token = children[0]
        text = str(token)
        if token.type == "QUOTED":
            text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        return text, _position(token)

    def comparison(self, children: list[Any]) -> Comparison:
        field, op, (text, position) = children
        name = field.lower()
        if name not in FIELDS and name not in ALIASES:
            raise TextError(_position(field), f"“{field}” is not a field. There are: {', '.join(FIELDS)}.")
        return Comparison(ALIASES.get(name, name), "!=" if op == "<>" else str(op), text, position)

    def word(self, children: list[tuple[str, int]]) -> Word:
        return Word(*children[0])

    def negated(self, children: list[Any]) -> Not:
        sign, node = children
        return Not(node, _position(sign))

    def both(self, children: list[Node]) -> Many:
        return Many(True, tuple(children))

    def either(self, children: list[Node]) -> Many:
        return Many(False, tuple(children))


def _position(token: Token) -> int:
    return (token.start_pos or 0) + 1


# The transformer works while the parser reads, from the innermost part out: however deep a text, nothing recurs.
_parser = Lark(GRAMMAR, parser="lalr", maybe_placeholders=False, transformer=_Build())


def tree(text: str) -> Node:
    """What the text says, however deep. Raises TextError."""
    try:
        node: Any = _parser.parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    return node  # type: ignore[no-any-return]


def _explained(error: UnexpectedInput, text: str) -> TextError:
    """Lark's complaint in words."""
    if isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        if DANGLING.search(text):
            return TextError(len(text) + 1, "Something is missing after the last word: what is to be looked for?")
        if text.count("(") > text.count(")"):
            return TextError(len(text) + 1, "A “)” is missing at the end.")
        return TextError(len(text) + 1, "A value is missing at the end, such as status:failed.")
    position = (error.pos_in_stream or 0) + 1
    if isinstance(error, UnexpectedCharacters) and text[position - 1] == '"':
        return TextError(position, "This quote is not closed.")
    found = str(error.token) if isinstance(error, UnexpectedToken) else text[position - 1 : position]
    if found == ")":
        return TextError(position, "This “)” closes nothing, or there is nothing before it.")
    return TextError(position, f'“{found}” cannot stand here. Put texts with signs in quotes: company:"a:b".')
