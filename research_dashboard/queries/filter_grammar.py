"""The grammar of the filter text; apart from it because lark takes 0.1 s to load and few requests need it."""

from typing import Any

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken, VisitError

from research_dashboard.queries.filter_text import Comparison, Many, Node, Not, TextError, Word
from research_dashboard.queries.run_fields import ALIASES, FIELDS

GRAMMAR = r"""
?start: either
?either: both ("OR" both)*
?both: one ("AND"? one)*
?one: "NOT" one -> negated
    | "(" either ")"
    | FIELD OPERATOR value -> comparison
    | value -> word
value: QUOTED | BARE
FIELD.3: /[A-Za-z_]+(?=\s*(:|!=|<>|<=|>=|=|<|>))/
OPERATOR.2: /:|!=|<>|<=|>=|=|<|>/
QUOTED: /"([^"\\]|\\.)*"/
BARE: /(?!(AND|OR|NOT)([\s()"]|$))[^\s()":=<>!][^\s()"]*/
%import common.WS
%ignore WS
"""


class _Build(Transformer[Token, Any]):
    """Lark's tree becomes ours."""

    def value(self, children: list[Token]) -> tuple[str, int]:
        token = children[0]
        text = str(token)
        if token.type == "QUOTED":
            text = text[1:-1].replace('\\"', '"').replace("\\\\", "\\")
        return text, (token.start_pos or 0) + 1

    def comparison(self, children: list[Any]) -> Comparison:
        field, op, (text, position) = children
        name = field.lower()
        if name not in FIELDS and name not in ALIASES:
            raise TextError((field.start_pos or 0) + 1, f"“{field}” is not a field. There are: {', '.join(FIELDS)}.")
        return Comparison(ALIASES.get(name, name), "!=" if op == "<>" else str(op), text, position)

    def word(self, children: list[tuple[str, int]]) -> Word:
        return Word(*children[0])

    def negated(self, children: list[Node]) -> Not:
        return Not(children[0])

    def both(self, children: list[Node]) -> Many:
        return Many(True, tuple(children))

    def either(self, children: list[Node]) -> Many:
        return Many(False, tuple(children))


_parser = Lark(GRAMMAR, parser="lalr", maybe_placeholders=False)


def tree(text: str) -> Node:
    """What the text says. Raises TextError."""
    try:
        parsed = _parser.parse(text)
    except UnexpectedInput as error:
        raise _explained(error, text) from None
    try:
        node: Node = _Build().transform(parsed)
    except VisitError as error:  # lark wraps what _Build raises
        if isinstance(error.orig_exc, TextError):
            raise error.orig_exc from None
        raise
    return node


def _explained(error: UnexpectedInput, text: str) -> TextError:
    """Lark's complaint in words."""
    if isinstance(error, UnexpectedEOF) or (isinstance(error, UnexpectedToken) and error.token.type == "$END"):
        if text.rstrip().endswith(("AND", "OR", "NOT")):
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
