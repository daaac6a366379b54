"""The OpenAPI document as a page says it: each operation and each shape in the words and columns of a table."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from research_dashboard.problems import PAGES

Schema = Mapping[str, Any]
SHAPES = "#/components/schemas/"
BOUNDS = {
    "minimum": "from {}", "exclusiveMinimum": "over {}", "maximum": "to {}",
    "minLength": "length from {}", "maxLength": "length to {}",
    "minItems": "{} items or more", "maxItems": "{} items at most",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A parameter of an operation, or a member of a shape."""

    name: str
    type: str
    shape: str  # the name of the shape that the type is or holds, if any
    needed: bool
    rules: str
    text: str
    place: str = ""


@dataclass(frozen=True)
class Body:
    """What is sent or answered in one media type."""

    media: str
    shape: str
    many: bool
    example: str = ""


@dataclass(frozen=True)
class Answer:
    """One status that an operation answers with."""

    status: str
    text: str
    bodies: list[Body]
    headers: list[str]
    problems: list[str]


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    name: str
    method: str
    path: str
    summary: str
    text: str
    parameters: list[Row]
    bodies: list[Body]
    answers: list[Answer]
    example_path: str


def whole(document: Schema) -> dict[str, Any]:
    """All that the page shows."""
    return {"groups": groups(document), "shapes": shapes(document), "words": words(document)}


def groups(document: Schema) -> dict[str, list[Operation]]:
    """The operations by their tag, in the document's order."""
    found: dict[str, list[Operation]] = {}
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            found.setdefault(told["tags"][0], []).append(_operation(document, path, method, told))
    return found


def shapes(document: Schema) -> dict[str, tuple[str, list[Row]]]:
    """Each shape's description and members; a list of a shape, or a mere choice of words, has none of its own."""
    return {
        name: (schema.get("description", ""), list(_members(schema)))
        for name, schema in sorted(document["components"]["schemas"].items())
        if schema.get("properties")
    }


def words(document: Schema) -> dict[str, list[str]]:
    """The shapes that are a choice of words, such as the states of a run."""
    return {
        name: schema["enum"] for name, schema in sorted(document["components"]["schemas"].items()) if "enum" in schema
    }


def _operation(document: Schema, path: str, method: str, told: Schema) -> Operation:
    return Operation(
        name=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        text=told.get("description", ""),
        parameters=[
            _row(
                each["name"],
                each["schema"],
                needed=each["required"],
                text=each.get("description", ""),
                place=each["in"],
            )
            for each in told["parameters"]
        ],
        bodies=_bodies(document, told.get("requestBody", {}), examples=True),
        answers=[_answer(document, status, each) for status, each in told["responses"].items()],
        example_path=re.sub(r"{\w+}", "1", path),
    )


def _answer(document: Schema, status: str, told: Schema) -> Answer:
    kinds = [
        example["value"]["type"].removeprefix(PAGES)
        for content in told.get("content", {}).values()
        for example in content.get("examples", {}).values()
    ]
    bodies = [] if kinds else _bodies(document, told)
    headers = [name for name in told.get("headers", {}) if not name.startswith("RateLimit-")]
    return Answer(status, told["description"], bodies, headers, kinds)


def _bodies(document: Schema, told: Schema, *, examples: bool = False) -> list[Body]:
    """The bodies by media type. A list's shape is that of one of its items."""
    found = []
    for media, content in told.get("content", {}).items():
        schema = content.get("schema", {})
        listed = _resolved(document, schema)
        shape, many = (listed["items"], True) if listed.get("type") == "array" else (schema, False)
        example = ""
        if examples and schema.get("type") != "string":  # what only a reader of lines can check has no schema
            example = json.dumps(_example(document, schema), ensure_ascii=False)
        found.append(Body(media, shape.get("$ref", "").removeprefix(SHAPES), many, example))
    return found


def _resolved(document: Schema, schema: Schema) -> Schema:
    reference = schema.get("$ref", "")
    return document["components"]["schemas"][reference.removeprefix(SHAPES)] if reference else schema


def _example(document: Schema, schema: Schema) -> Any:
    """A value of the schema: its own example, else what is needed of it, each by its own."""
    if "examples" in schema:
        return schema["examples"][0]
    schema = _resolved(document, schema)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [_example(document, schema["items"])]
    if properties := schema.get("properties"):
        needed = schema.get("required") or list(properties)[:1]
        return {name: _example(document, each) for name, each in properties.items() if name in needed}
    return {"integer": 1, "number": 1.5, "boolean": True}.get(schema.get("type", ""), "text")


def _members(schema: Schema) -> Iterator[Row]:
    for name, each in schema["properties"].items():
        yield _row(name, each, needed=name in schema.get("required", ()))


def _row(name: str, schema: Schema, *, needed: bool, text: str = "", place: str = "") -> Row:
    """One line of a table. A member that may be null says so after its type."""
    one = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
    main = {**one[0], **{key: value for key, value in schema.items() if key != "anyOf"}}
    held = main.get("items", main) if main.get("type") == "array" else main
    shape = held.get("$ref", "").removeprefix(SHAPES)
    kind = shape or " or ".join(str(each.get("format", each.get("type", "any value"))) for each in one)
    if main.get("type") == "array":
        kind = f"list of {shape or held.get('type', 'any value')}"
    if len(one) < len(schema.get("anyOf", [schema])):
        kind += " or null"
    return Row(name, kind, shape, needed, _rules(main), text or main.get("description", ""), place)


def _rules(schema: Schema) -> str:
    """The bounds, choices and usual value of a schema, as one reads them."""
    said = [text.format(f"{schema[key]:,.10g}") for key, text in BOUNDS.items() if schema.get(key) is not None]
    if "enum" in schema:
        said.append("one of " + ", ".join(map(str, schema["enum"])))
    if schema.get("default") not in (None, ""):
        said.append(f"usually {json.dumps(schema['default'])}")
    return "; ".join(said)
