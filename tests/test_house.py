"""The house itself: sizes of its rooms, and that what is there is documented."""

import ast
import importlib.util
import re
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask

from research_dashboard.settings import PREFIX, Settings

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "research_dashboard"
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if "migrations/versions" not in p.as_posix())
MAX_MODULE, MAX_FUNCTION = 400, 60


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_a_module_and_its_functions_can_be_read_in_one_sitting(path: Path) -> None:
    source = path.read_text()
    assert source.count("\n") <= MAX_MODULE, f"{path.name} has outgrown its room: split it by noun"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= MAX_FUNCTION, f"{path.name}:{node.lineno} {node.name} has {length} lines"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(PACKAGE).as_posix())
def test_every_public_function_and_class_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), f"{path.name} has no docstring"
    for node in tree.body:
        public = isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if public and not (isinstance(node, ast.ClassDef) and path.name == "base.py"):
            assert ast.get_docstring(node), f"{path.name}:{node.lineno} {node.name} has no docstring"


def test_every_template_compiles(app: Flask) -> None:
    for name in app.jinja_env.list_templates():
        if name.endswith((".html", ".xml", ".txt", ".md")):
            app.jinja_env.get_template(name)


def test_every_setting_stands_in_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for field in fields(Settings):
        assert f"`{PREFIX}{field.name.upper()}`" in readme, f"{field.name} is not in the README's settings table"


def test_the_reference_is_made_from_the_code_as_it_is() -> None:
    spec = importlib.util.spec_from_file_location("make_reference", ROOT / "scripts" / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert (ROOT / "docs" / "reference.md").read_text() == module.make(), "run ./dev docs"
    undocumented = [line for line in module.make().splitlines() if re.search(r"\|  \|$", line)]
    assert undocumented == [], "routes and commands need a docstring"


def test_nothing_committed_names_a_registry_or_a_machine() -> None:
    hosts = re.compile(r"://[^/ ]*(pypi|pythonhosted|npmjs|unpkg|jsdelivr|cdnjs)")
    for path in [*ROOT.glob("*.lock"), *ROOT.glob("*.toml"), ROOT / "dev", *MODULES]:
        assert not hosts.search(path.read_text()), f"{path.name} names a registry"
