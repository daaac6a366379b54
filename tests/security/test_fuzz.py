"""Mutated form posts to every page that takes one: whatever comes in, never a 5xx."""

import random
import re
import string

import pytest
from flask import Flask

from tests.security.payloads import FORMULAS, XSS

NAMES = [
    *("company", "cik", "as_of", "source", "peer", "peers", "researcher", "sec_contact", "time_zone", "theme", "next"),
    *("name", "password", "label", "scope", "days", "everywhere", "ids", "do", "tag", "note", "title", "q", "status"),
    *("col_company", "sort", "page", "per_page", "start", "end", "file", "action", "view", "confirm", "colour"),
    *("filter", "all", "shown", "mark", "query", "text", "replaces", "list", "id", "companies", "pinned"),
]
ODD = [
    *("", " ", "\x00", "\u202e", "\ud7ff", "NaN", "Infinity", "-1", "0", "1", "9" * 30, "1e400", "٣", "true", "null"),
    *("2026-02-30", "9999-12-31", "0001-01-01", "AAPL", "%", "_", "' OR 1=1 --", "../../etc/passwd", "{{7*7}}"),
    *("x" * 201, "x" * 70_000, "é" * 150, "\N{GRINNING FACE}" * 99, *FORMULAS),
]


def value(chance: random.Random) -> str:
    """A value somebody might send: odd, hostile, or at random."""
    kind = chance.randrange(4)
    if kind == 0:
        return chance.choice(ODD)
    if kind == 1:
        return chance.choice(XSS)
    if kind == 2:
        return "".join(chance.choices(string.printable, k=chance.randrange(40)))
    return "".join(chr(chance.randrange(1, 0xD7FF)) for _ in range(chance.randrange(12)))


def post_mutations(app: Flask, count: int, seed: int) -> list[tuple[str, int]]:
    """Post `count` mutated forms, in turn to every page; the answers that must not be."""
    chance = random.Random(seed)  # the same posts each time
    client = app.test_client()
    rules = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ()) and "/api" not in rule.rule]
    bad = []
    for number in range(count):
        rule = rules[number % len(rules)]
        path = re.sub(r"<[^>]+>", lambda _: chance.choice(["1", "0", "999999999999", "AAPL"]), rule.rule)
        data: dict[str, list[str]] = {}
        for name in chance.sample(NAMES, chance.randrange(7)):
            data[name] = [value(chance) for _ in range(chance.choice([1, 1, 1, 2]))]
        headers = {"HX-Request": "true"} if chance.random() < 0.3 else {}
        answer = client.post(path, data=data, headers=headers)
        if answer.status_code >= 500:
            bad.append((f"{path} {data!r:.300}", answer.status_code))
    return bad


def test_mutated_form_posts_never_break_a_page(app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.testing = False
    assert post_mutations(app, 400, seed=1) == []


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_50000_mutated_form_posts_never_break_a_page(app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    app.testing = False
    assert post_mutations(app, 50_000, seed=2) == []
    print("50,000 mutated form posts, 0 answers of 5xx")
