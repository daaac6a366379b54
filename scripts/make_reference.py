"""Writes docs/reference.md from the code: settings, commands, pages, API. A test keeps it true (`./dev docs`)."""

import tempfile
from dataclasses import fields
from pathlib import Path

import click
from flask import Flask

from research_dashboard import create_app
from research_dashboard.cli import Lazily
from research_dashboard.endpoints.lazily import load
from research_dashboard.settings import PREFIX, Settings

TARGET = Path(__file__).parent.parent / "docs" / "reference.md"


def first_paragraph(text: str | None) -> str:
    """The first paragraph of a docstring, on one line."""
    return " ".join((text or "").strip().split("\n\n")[0].split())


def routes(app: Flask) -> list[tuple[str, str, str]]:
    """Every route: path, methods, what its view says of itself."""
    load(app)
    rows = []
    for rule in app.url_map.iter_rules():
        if rule.endpoint != "static":
            methods = ", ".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}))
            rows.append((rule.rule, methods, first_paragraph(app.view_functions[rule.endpoint].__doc__)))
    return sorted(rows)


def commands(group: click.Group, prefix: str = "flask") -> list[tuple[str, str]]:
    """Every command of ours below a group, with its help; the framework's own are left out."""
    rows = []
    for name, listed in sorted(group.commands.items()):
        command = listed.real if isinstance(listed, Lazily) else listed
        if isinstance(command, click.Group):
            rows += commands(command, f"{prefix} {name}")
        elif command.callback is not None and command.callback.__module__.startswith("research_dashboard"):
            arguments = [p.human_readable_name.upper() for p in command.params if isinstance(p, click.Argument)]
            rows.append((" ".join([prefix, name, *arguments]), first_paragraph(command.help)))
    return rows


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A Markdown table."""

    def line(cells: tuple[str, ...]) -> str:
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(head), line(tuple("---" for _ in head)), *map(line, rows)])


def reference(app: Flask) -> str:
    """The whole page."""
    found = [(f"`{path}`", methods, text) for path, methods, text in routes(app)]
    sections = [
        ("Settings", ("Variable",), [(f"`{PREFIX}{field.name.upper()}`",) for field in fields(Settings)]),
        ("Commands", ("Command", "What it does"), [(f"`{name}`", text) for name, text in commands(app.cli)]),
        ("Pages", ("Path", "Methods", "What it is"), [row for row in found if not row[0].startswith("`/api")]),
        ("API", ("Path", "Methods", "What it does"), [row for row in found if row[0].startswith("`/api")]),
    ]
    parts = ["# Reference", "Made from the code by `./dev docs`; a test fails when it is out of date."]
    parts.append("What each setting does stands in the README's table.")
    for title, head, rows in sections:
        parts += [f"## {title}", table(head, [tuple(row) for row in rows])]
    return "\n\n".join(parts) + "\n"


def make() -> str:
    """The page for the code as it stands."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(Path(folder), f"sqlite:///{folder}/research.db", "reference")
        return reference(create_app({"TESTING": True}, settings))


if __name__ == "__main__":
    TARGET.write_text(make())
