"""What a text may hold, of one line (a name, a tag, what is looked for) or of several: one rule for pages, API, files
and commands."""

import unicodedata

# Control characters, formatting ones, halves of surrogates, private use, and what separates lines and paragraphs: they
# forge lines, hide words or turn their order round.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
JOINERS = frozenset("\u200c\u200d")  # unseen too, but Persian, Hindi and emoji are written with them
LAYOUT = frozenset("\t\n\r")
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # embed, override or isolate a direction


def is_one_line(text: str) -> bool:
    """True when nothing in the text is unseen; blanks of any width are seen."""
    return text.isprintable() or not any(unicodedata.category(c) in UNSEEN and c not in JOINERS for c in text)


def is_plain(text: str) -> bool:
    """True when a text of several lines holds no control character but tabs and line breaks, and turns no direction.

    What else is formatting (a mark of direction, a soft hyphen) comes with what people paste and forges nothing there.
    """
    return text.isprintable() or not any(
        (unicodedata.category(c) in ("Cc", "Cs") and c not in LAYOUT) or c in TURNING for c in text
    )
