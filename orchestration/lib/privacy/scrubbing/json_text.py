"""Places in JSON text: values, members of objects, elements of lists; and emptying or taking them out.

Belongs here: JSON as characters. Does not: which records are whose (`json_formats`).

The text is the bytes of the file read as Latin-1, so that places are places in the bytes; names of
members are compared after decoding.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from json.decoder import scanstring  # type: ignore[attr-defined]

from orchestration.lib.ingest.paths import parse_path
from orchestration.lib.privacy.scrubbing.content import Replacement

BLANK = re.compile(r"[ \t\r\n]*")
SCALAR = re.compile(r"[^\s,\]}]+")
DECODER = json.JSONDecoder(strict=False)
EMPTY = ("null", '""', "[]", "{}")

Decode = Callable[[str], str]


class NotJson(ValueError):
    """The text is no JSON that can be followed."""


@dataclass(frozen=True)
class Node:
    """A value: where it stands, and its members (name, value) or elements (None, value)."""

    start: int
    end: int
    kind: str
    children: tuple[tuple[str | None, Node], ...] = field(default=())

    def member(self, name: str) -> Node | None:
        """Return the member of that name, whatever its case; the exact one first."""
        for compare in (str, str.casefold):
            for found, child in self.children:
                if found is not None and compare(found) == compare(name):
                    return child
        return None

    @property
    def elements(self) -> tuple[Node, ...]:
        """The values in it."""
        return tuple(child for _, child in self.children)


def skip_blanks(text: str, position: int) -> int:
    """Return the place of the next character that is no blank."""
    found = BLANK.match(text, position)
    return found.end() if found else position


def skip_value(text: str, position: int) -> int:
    """Return where the value that begins at a place ends.

    Raises
    ------
    NotJson
        When none begins there.
    """
    try:
        return DECODER.raw_decode(text, position)[1]
    except (ValueError, RecursionError):
        raise NotJson from None


def _string(text: str, position: int) -> tuple[str, int]:
    try:
        value, end = scanstring(text, position + 1, False)
    except ValueError:
        raise NotJson from None
    return str(value), int(end)


def read_node(text: str, position: int, decode: Decode) -> Node:
    """Return the value that begins at a place, with everything in it.

    Raises
    ------
    NotJson
        When the text is no JSON there.
    """
    start = skip_blanks(text, position)
    first = text[start : start + 1]
    if first == '"':
        return Node(start, _string(text, start)[1], "string")
    if first not in ("{", "["):
        found = SCALAR.match(text, start)
        if found is None:
            raise NotJson
        return Node(start, found.end(), "scalar")
    children: list[tuple[str | None, Node]] = []
    closing = "}" if first == "{" else "]"
    position = skip_blanks(text, start + 1)
    while text[position : position + 1] != closing:
        name = None
        if first == "{":
            raw, position = _string(text, position)
            name = decode(raw)
            position = skip_blanks(text, position)
            if text[position : position + 1] != ":":
                raise NotJson
            position += 1
        child = read_node(text, position, decode)
        children.append((name, child))
        position = skip_blanks(text, child.end)
        if text[position : position + 1] == ",":
            position = skip_blanks(text, position + 1)
        elif text[position : position + 1] != closing:
            raise NotJson
    return Node(start, position + 1, "object" if first == "{" else "list", tuple(children))


def find_list(text: str, path: Sequence[str], decode: Decode) -> tuple[int, list[tuple[int, int]]]:
    """Return where the value at a path begins, and the places of its elements.

    A value that is no list counts as its own only element. Values beside the path are skipped.

    Raises
    ------
    NotJson
        When there is nothing at the path.
    """
    position = skip_blanks(text, 0)
    for name in path:
        position = _enter(text, position, name, decode)
    if text[position : position + 1] != "[":
        return position, [(position, skip_value(text, position))]
    return position, list(_elements(text, position))


def _enter(text: str, position: int, name: str, decode: Decode) -> int:
    """Return where the value of a member begins; of members of one name the first, as DuckDB does."""
    if text[position : position + 1] != "{":
        raise NotJson
    position = skip_blanks(text, position + 1)
    while text[position : position + 1] == '"':
        raw, position = _string(text, position)
        position = skip_blanks(text, position)
        if text[position : position + 1] != ":":
            raise NotJson
        value = skip_blanks(text, position + 1)
        if decode(raw) == name:
            return value
        position = skip_blanks(text, skip_value(text, value))
        if text[position : position + 1] == ",":
            position = skip_blanks(text, position + 1)
    raise NotJson


def _elements(text: str, position: int) -> Iterator[tuple[int, int]]:
    position = skip_blanks(text, position + 1)
    while text[position : position + 1] != "]":
        end = skip_value(text, position)
        yield position, end
        position = skip_blanks(text, end)
        if text[position : position + 1] == ",":
            position = skip_blanks(text, position + 1)
        elif text[position : position + 1] != "]":
            raise NotJson


def nodes_at(node: Node, path: str) -> Iterator[Node]:
    """Yield what stands at a dotted path, with ``[…]`` steps as the contract writes them."""
    found: Node | None = node
    for step in parse_path(path):
        found = found.member(step.name) if found else None
        if found is not None and step.key is not None:
            found = _keyed(found, step.key)
    if found is not None:
        yield found


def _keyed(node: Node, key: str) -> Node | None:
    if key.isdecimal():
        return node.elements[int(key)] if int(key) < len(node.elements) else None
    return None


def emptied(text: str, node: Node) -> Replacement | None:
    """Return the replacement of a value by null; None where it is empty already."""
    if text[node.start : node.end] in EMPTY:
        return None
    return Replacement(node.start, node.end, b"null")


def without_elements(
    places: Sequence[tuple[int, int]], gone: frozenset[int]
) -> Iterator[Replacement]:
    """Yield what takes elements (by index) out of a list, with the comma that goes with each.

    The first kept element moves to where the first one stood; the others keep what stood before them.
    """
    kept = [index for index in range(len(places)) if index not in gone]
    if not kept:
        if places:
            yield Replacement(places[0][0], places[-1][1])
        return
    if kept[0] > 0:
        yield Replacement(places[0][0], places[kept[0]][0])
    for before, index in pairwise(kept):
        if index > before + 1:
            yield Replacement(places[before][1], places[index - 1][1])
    if kept[-1] < len(places) - 1:
        yield Replacement(places[kept[-1]][1], places[-1][1])


def values_at(node: Node, start: int, end: int) -> Iterator[Node]:
    """Yield the innermost values that a range of the text touches."""
    for _, child in node.children:
        if child.start < end and start < child.end:
            yield from values_at(child, start, end)
            if not child.children:
                yield child
