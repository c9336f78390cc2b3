"""Dotted paths into nested data: ``device.category``, ``params[key].int_value``, ``items[0].id``.

Belongs here: parsing paths and turning them into SQL. Does not: reading files (`readers`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from duckdb.sqltypes import DuckDBPyType

from orchestration.lib.sql_text import quoted_name, quoted_text

STEP = re.compile(r"(?P<name>[^.\[\]]+)(?:\[(?P<key>[^\]]+)\])?")


@dataclass(frozen=True)
class Step:
    """One step; ``key`` picks an element of a list: by its place, or of (key, value) by its key."""

    name: str
    key: str | None = None


def parse_path(text: str) -> tuple[Step, ...]:
    """Return the steps of a path."""
    return tuple(Step(found["name"], found["key"]) for found in STEP.finditer(text))


def _children(kind: DuckDBPyType) -> Mapping[str, DuckDBPyType]:
    return {str(name): child for name, child in kind.children if isinstance(child, DuckDBPyType)}


def _fields(kind: DuckDBPyType) -> Mapping[str, DuckDBPyType]:
    return _children(kind) if kind.id == "struct" else {}


def nested_sql(path: str, types: Mapping[str, DuckDBPyType]) -> str | None:
    """Return SQL for a path into typed columns, or None when the types have no such path."""
    expression = ""
    fields: Mapping[str, DuckDBPyType] = types
    for step in parse_path(path):
        name = next((each for each in fields if each.casefold() == step.name.casefold()), None)
        if name is None:
            return None
        kind = fields[name]
        expression += ("." if expression else "") + quoted_name(name)
        if step.key is not None:
            element = _children(kind)["child"] if kind.id == "list" else None
            if element is None:
                return None
            if step.key.isdecimal():
                expression, kind = f"{expression}[{int(step.key) + 1}]", element
            elif {"key", "value"} <= set(_fields(element)):
                is_wanted = f"lambda pair: pair.key = {quoted_text(step.key)}"
                expression = f"list_filter({expression}, {is_wanted})[1].value"
                kind = _fields(element)["value"]
            else:
                return None
        fields = _fields(kind)
    return expression or None


@dataclass
class Shape:
    """The part of JSON documents that is wanted, as a tree of names."""

    children: dict[str, Shape] = field(default_factory=dict)
    is_json: bool = False
    is_list: bool = False

    def add(self, names: Sequence[str], *, is_json: bool, list_at: int | None = None) -> None:
        """Add a path; ``list_at`` is how many steps lead to the list whose elements are rows."""
        node = self
        for position, name in enumerate(names, start=1):
            node = node.children.setdefault(name, Shape())
            node.is_list = node.is_list or position == list_at
        node.is_json = node.is_json or is_json

    def structure(self) -> object:
        """Return the structure as ``json_transform`` wants it."""
        if not self.children:
            inner: object = "JSON" if self.is_json else "VARCHAR"
        else:
            inner = {name: child.structure() for name, child in self.children.items()}
        return [inner] if self.is_list else inner


def flatten(document: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return all paths of a JSON object with their values; lists and objects count as values too."""
    found: dict[str, object] = {}
    for name, value in document.items():
        found[prefix + name] = value
        if isinstance(value, dict):
            found.update(flatten(value, f"{prefix}{name}."))
    return found
