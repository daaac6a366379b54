"""JSON as it is sent: RFC 8259, and a name stands once in an object (RFC 7493).

Readers of JSON disagree which of two equal names counts, so that a request with two is a mistake or an attack.
"""

import json
from decimal import InvalidOperation
from typing import Any

from research_dashboard.extensions import from_json


def sent_json(text: str | bytes) -> Any:
    """The value. Raises msgspec.MsgspecError, UnicodeDecodeError, RecursionError, and ValueError for equal names and
    for an exponent that not even a decimal can have."""
    try:
        value = from_json(text)
    except InvalidOperation:
        raise ValueError("The exponent of a number is out of range") from None
    _names.decode(text.decode() if isinstance(text, bytes) else text)
    return value


def _once(members: list[tuple[str, Any]]) -> None:
    """Look at one object's names; what they hold has been looked at before."""
    if len(members) > 1:
        names = [name for name, _ in members]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise ValueError(f"The name {json.dumps(twice[:80])} stands twice in one object: send it once")


_names = json.JSONDecoder(object_pairs_hook=_once, parse_int=len, parse_float=len)  # of a number any value does here
