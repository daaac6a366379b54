"""What a text of one line (a name, a tag, what is looked for) may hold: one rule for pages, API, files and commands."""

import unicodedata

# Control characters, formatting ones, halves of surrogates, private use, and what separates lines and paragraphs: they
# forge lines, hide words or turn their order round.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
JOINERS = frozenset("\u200c\u200d")  # unseen too, but Persian, Hindi and emoji are written with them


def is_one_line(text: str) -> bool:
    """True when nothing in the text is unseen; blanks of any width are seen."""
    return text.isprintable() or not any(unicodedata.category(c) in UNSEEN and c not in JOINERS for c in text)
