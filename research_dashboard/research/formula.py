"""A stored formula read again: evaluated over its inputs, or written as a spreadsheet's formula over their cells.

The grammar is that of the research: + − × / ^, brackets, `x[-n]` for n years before, `avg x` for the mean of opening
and closing balance. A formula whose inputs are not all cells, or that does not give the stored value, is refused.
"""

import re
from collections.abc import Callable, Sequence
from math import isclose, isfinite
from typing import NamedTuple

_PART = re.compile(r"\s*(?:(\d+(?:\.\d+)?)|([A-Za-z][A-Za-z0-9_%]*)(?:\[-\d+\])?|(.))")
_BEFORE = re.compile(r"\s*[A-Za-z][A-Za-z0-9_%]*\[-\d+\]")
CLOSE_ENOUGH = 2e-6  # stored ratios have six decimals


class Term(NamedTuple):
    """A part of a formula: how a spreadsheet writes it, and what it gives."""

    text: str
    value: float


class NoFormula(ValueError):
    """There is no such formula over the cells; the plain number is shown."""


Find = Callable[[str, int], Term]  # operand and 0 for the newest of its inputs, 1 for the one before; raises NoFormula


def evaluate(formula: str, find: Find) -> Term:
    """The formula over what `find` gives for its operands: as text and as a number. Raises NoFormula."""
    try:
        made = _Parser(formula, find).whole()
    except (ZeroDivisionError, OverflowError, IndexError) as error:
        raise NoFormula(formula) from error
    if isinstance(made.value, complex) or not isfinite(made.value):
        raise NoFormula(formula)
    return made


def translate(formula: str, find: Find, expected: float) -> str:
    """The spreadsheet formula, with its equals sign. Raises NoFormula where it would not give the expected value."""
    made = evaluate(formula, find)
    if not isclose(made.value, expected, rel_tol=CLOSE_ENOUGH, abs_tol=CLOSE_ENOUGH):
        raise NoFormula(f"{formula} gives {made.value}, stored is {expected}")
    return f"={made.text}"


class _Parser:
    """Recursive descent; each method reads one level and gives its text and value."""

    def __init__(self, formula: str, find: Find) -> None:
        self.parts: Sequence[str] = [
            match.group().strip() for match in _PART.finditer(formula) if match.group().strip()
        ]
        self.place, self.find, self.opening = 0, find, 0

    def whole(self) -> Term:
        made = self._sum()
        if self.place != len(self.parts):
            raise NoFormula("".join(self.parts))
        return made

    def _next(self) -> str:
        return self.parts[self.place] if self.place < len(self.parts) else ""

    def _take(self) -> str:
        sign = self.parts[self.place]
        self.place += 1
        return sign

    def _sum(self) -> Term:
        left = self._product()
        while self._next() in ("+", "−", "-"):
            plus = self._take() == "+"
            right = self._product()
            value = left.value + right.value if plus else left.value - right.value
            left = Term(f"{left.text}{'+' if plus else '-'}{right.text}", value)
        return left

    def _product(self) -> Term:
        left = self._power()
        while self._next() in ("×", "*", "/", "÷"):
            times = self._take() in ("×", "*")
            right = self._power()
            value = left.value * right.value if times else left.value / right.value
            left = Term(f"{left.text}{'*' if times else '/'}{right.text}", value)
        return left

    def _power(self) -> Term:
        base = self._atom()
        if self._next() != "^":
            return base
        self._take()
        exponent = self._atom()
        return Term(f"{base.text}^{exponent.text}", base.value**exponent.value)

    def _atom(self) -> Term:
        sign = self._take()
        if sign == "(":
            inner = self._sum()
            if self._take() != ")":
                raise NoFormula(sign)
            return Term(f"({inner.text})", inner.value)
        if sign == "avg":
            return self._average()
        if sign[0].isdigit():
            return Term(sign, float(sign))
        if not sign[0].isalpha():
            raise NoFormula(sign)
        before = _BEFORE.fullmatch(sign) is not None
        return self.find(sign.partition("[")[0], 1 if before else self.opening)

    def _average(self) -> Term:
        start = self.place
        closing = self._atom()
        self.place, self.opening = start, 1
        opening = self._atom()
        self.opening = 0
        return Term(f"AVERAGE({closing.text},{opening.text})", (closing.value + opening.value) / 2)
