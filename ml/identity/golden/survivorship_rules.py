"""The survivorship rules as YAML says them: read, checked line by line, frozen.

Belongs here: what a rule set may say. Does not: what it means in SQL (`survivorship`), reading files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import yaml

from ml.identity.golden.errors import RuleSetError

VALID_FIRST, MOST_COMPLETE, MOST_FREQUENT = "valid_first", "most_complete", "most_frequent"
SOURCE_PRIORITY, MOST_RECENT = "source_priority", "most_recent"
RULES = (VALID_FIRST, MOST_COMPLETE, MOST_FREQUENT, SOURCE_PRIORITY, MOST_RECENT)
SECTIONS = ("version", "source_priority", "units", "fields", "flags")
UNIT_KEYS = ("columns", "filled_when", "valid_when", "complete_by", "rules")
FIELD_KEYS = ("valid_when", "rules")


@dataclass(frozen=True)
class Survivor:
    """A field, or several that stay together, and how its record is chosen."""

    name: str
    columns: tuple[str, ...]
    filled_when: tuple[str, ...]
    valid_when: tuple[str, ...]
    complete_by: tuple[str, ...]
    rules: tuple[str, ...]

    @property
    def is_unit(self) -> bool:
        """Whether several columns stay together."""
        return self.columns != (self.name,)


@dataclass(frozen=True)
class RuleSet:
    """Every survivor, the order of the source systems, and the flags that any record may raise."""

    survivors: tuple[Survivor, ...]
    source_priority: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class _Reader:
    """Walks the YAML nodes and notes faults with their lines."""

    name: str
    known: frozenset[str]
    faults: list[str]

    def fault(self, node: yaml.Node, sentence: str) -> None:
        self.faults.append(f"{self.name}:{node.start_mark.line + 1}: {sentence}")

    def entries(
        self, node: yaml.Node | None, allowed: Collection[str] | None, where: str
    ) -> Iterator[tuple[str, yaml.Node, yaml.Node]]:
        """Yield key, key node and value node of a mapping."""
        if node is None:
            return
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, f"{where} is no mapping of names to values")
            return
        seen: set[str] = set()
        for key_node, value in node.value:
            key = str(key_node.value)
            if key in seen:
                self.fault(key_node, f"'{key}' stands twice in {where}")
            elif allowed is not None and key not in allowed:
                self.fault(key_node, f"'{key}' is unknown in {where}; use {', '.join(allowed)}")
            else:
                seen.add(key)
                yield key, key_node, value

    def names(
        self, node: yaml.Node | None, where: str, among: Collection[str] | None
    ) -> tuple[str, ...]:
        """Return a list of names, each of them known."""
        if node is None:
            return ()
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.fault(node, f"{where} is no list of names, e.g. [one, two]")
            return ()
        names: list[str] = []
        for item in node.value:
            name = str(item.value) if isinstance(item, yaml.ScalarNode) else ""
            if among is not None and name not in among:
                kind = "rule" if among is RULES else "column of the records"
                self.fault(item, f"{where}: '{name}' is no {kind}")
            elif name in names:
                self.fault(item, f"{where}: '{name}' stands twice")
            names.append(name)
        return tuple(names)


def parse_rule_set(text: str, name: str, columns: Collection[str]) -> RuleSet:
    """Return the rule set that a YAML text says.

    Parameters
    ----------
    text : str
        The YAML.
    name : str
        Name of the file, for messages.
    columns : collection of str
        Columns of the records that the rules may name.

    Raises
    ------
    RuleSetError
        With every fault found, each as ``file:line: what``.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise RuleSetError(f"{name}:{line}: not valid YAML: {error.problem}.") from None
    if root is None:
        raise RuleSetError(f"{name}:1: the file is empty.")
    reader = _Reader(name, frozenset(columns), [])
    sections = {
        key: (key_node, value)
        for key, key_node, value in reader.entries(root, SECTIONS, "the rule set")
    }
    for wanted in ("version", "units", "fields"):
        if wanted not in sections:
            reader.fault(root, f"the section '{wanted}' is missing")
    if "version" in sections and sections["version"][1].value != "1":
        reader.fault(sections["version"][1], "version must be 1")

    def section(key: str) -> yaml.Node | None:
        return sections[key][1] if key in sections else None

    priority = reader.names(section("source_priority"), "source_priority", None)
    survivors = [
        *_survivors(reader, section("units"), "units", bool(priority)),
        *_survivors(reader, section("fields"), "fields", bool(priority)),
    ]
    flags = reader.names(section("flags"), "flags", reader.known)
    if reader.faults:
        raise RuleSetError(
            f"The survivorship rules are broken in {len(reader.faults)} place(s):\n"
            + "\n".join(reader.faults)
        )
    return RuleSet(tuple(survivors), priority, flags)


def _survivors(
    reader: _Reader, node: yaml.Node | None, section: str, has_priority: bool
) -> Iterator[Survivor]:
    is_unit = section == "units"
    for name, key_node, value in reader.entries(node, None, section):
        where = f"{section}.{name}"
        parts = {
            key: part
            for key, _, part in reader.entries(value, UNIT_KEYS if is_unit else FIELD_KEYS, where)
        }
        if not is_unit and name not in reader.known:
            reader.fault(key_node, f"fields: '{name}' is no column of the records")
        for wanted in ("columns", "rules") if is_unit else ("rules",):
            if wanted not in parts:
                reader.fault(key_node, f"{where} lacks '{wanted}'")
        rules = reader.names(parts.get("rules"), f"{where}.rules", RULES)
        if MOST_RECENT in rules[:-1]:
            reader.fault(
                parts["rules"], f"{where}.rules: most_recent decides always, so it must stand last"
            )
        if (VALID_FIRST in rules) != ("valid_when" in parts):
            reader.fault(
                key_node, f"{where}: {VALID_FIRST} and valid_when go together; one is missing"
            )
        if SOURCE_PRIORITY in rules and not has_priority:
            reader.fault(
                key_node, f"{where}: source_priority lists no system at the top of the file"
            )
        columns = (
            reader.names(parts.get("columns"), f"{where}.columns", reader.known)
            if is_unit
            else (name,)
        )
        named = {
            key: reader.names(parts.get(key), f"{where}.{key}", reader.known)
            for key in ("filled_when", "valid_when", "complete_by")
        }
        yield Survivor(
            name=name,
            columns=columns,
            filled_when=named["filled_when"] or columns,
            valid_when=named["valid_when"],
            complete_by=named["complete_by"] or columns,
            rules=rules,
        )
