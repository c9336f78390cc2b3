"""The ingestion contract: what each ``sources.yml`` promises, validated, as frozen objects.

Belongs here: reading and checking the contract. Does not: reading the delivered files (`loading`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import yaml
from jsonschema import Draft202012Validator

from orchestration.lib.errors import ConfigurationError, ContractError

SCHEMA_FILE = Path(__file__).with_name("contract_schema.json")


@dataclass(frozen=True)
class ColumnContract:
    """One declared column; ``source_column`` is its name in the file when that differs."""

    name: str
    data_type: str
    data_class: str
    source_column: str
    is_required: bool = False
    is_future_allowed: bool = True
    minimum: float | None = None
    maximum: float | None = None
    date_format: str | None = None


@dataclass(frozen=True)
class TableContract:
    """One declared table: where its file lies, how to read it, what must hold."""

    system: str
    name: str
    identifier: str
    description: str
    location: str
    format: str
    columns: tuple[ColumnContract, ...]
    distribution: str | None = None
    primary_key: tuple[str, ...] = ()
    event_time: str | None = None
    timezone: str = "UTC"

    @property
    def relation(self) -> str:
        """Quoted name of the raw table."""
        return f'raw."{self.identifier}"'

    @property
    def has_settled_event_time(self) -> bool:
        """Whether the event time can't lie ahead, so that its maximum dates the data."""
        return any(
            column.name == self.event_time and not column.is_future_allowed
            for column in self.columns
        )

    def fingerprint(self) -> str:
        """Hash of everything that changes what a load of the same file would give."""
        return sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class SystemContract:
    """One source system: its tables, currency, zone and how many rejects are tolerable."""

    name: str
    title: str
    description: str
    currency: str
    timezone: str
    is_live: bool
    reject_limit_share: float
    tables: tuple[TableContract, ...]


def _line_of(node: yaml.Node, path: Sequence[str | int]) -> int:
    """Follow a JSON path through the YAML nodes; return the deepest line found (1-based)."""
    line = node.start_mark.line + 1
    for step in path:
        child: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in node.value:
                if key_node.value == step:
                    line, child = key_node.start_mark.line + 1, value_node
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            child = node.value[step]
            line = child.start_mark.line + 1
        if child is None:
            break
        node = child
    return line


def _meta(block: Mapping[str, Any]) -> dict[str, Any]:
    meta: dict[str, Any] = block["config"]["meta"]["cadencia"]
    return meta


def _table_from(system: str, timezone: str, block: Mapping[str, Any]) -> TableContract:
    columns = tuple(
        ColumnContract(
            **{
                "source_column": column["name"],
                **_meta(column),
                "name": column["name"],
                "data_type": column["data_type"],
            }
        )
        for column in block["columns"]
    )
    meta = _meta(block)
    return TableContract(
        system=system,
        name=block["name"],
        identifier=block["identifier"],
        description=block["description"],
        location=meta["location"],
        format=meta["format"],
        columns=columns,
        distribution=meta.get("distribution"),
        primary_key=tuple(meta.get("primary_key", ())),
        event_time=meta.get("event_time"),
        timezone=timezone,
    )


def _semantic_problems(document: Mapping[str, Any]) -> Iterable[tuple[list[str | int], str]]:
    """Rules that a JSON Schema can't say: references between parts of the contract."""
    for source_index, source in enumerate(document["sources"]):
        zone = _meta(source)["timezone"]
        if zone not in available_timezones():
            where: list[str | int] = [
                "sources",
                source_index,
                "config",
                "meta",
                "cadencia",
                "timezone",
            ]
            yield where, f"'{zone}' is no time zone of the IANA list, e.g. Europe/Madrid"
        for table_index, table in enumerate(source["tables"]):
            path: list[str | int] = ["sources", source_index, "tables", table_index]
            names = [column["name"] for column in table["columns"]]
            expected = f"{source['name']}__{table['name']}"
            if table["identifier"] != expected:
                yield [*path, "identifier"], f"identifier must be '{expected}'"
            duplicated = sorted({name for name in names if names.count(name) > 1})
            if duplicated:
                yield [*path, "columns"], f"column '{duplicated[0]}' is declared twice"
            meta_path = [*path, "config", "meta", "cadencia"]
            for name in _meta(table).get("primary_key", []):
                if name not in names:
                    yield (
                        [*meta_path, "primary_key"],
                        f"primary_key names '{name}', which is not a declared column",
                    )
            event_time = _meta(table).get("event_time")
            if event_time is not None and event_time not in names:
                yield (
                    [*meta_path, "event_time"],
                    f"event_time names '{event_time}', which is not a declared column",
                )


def load_contract_file(path: Path) -> tuple[SystemContract, ...]:
    """Read and validate one ``sources.yml``.

    Raises
    ------
    ContractError
        With every problem found, each as ``file:line: where: what``.
    """
    text = path.read_text(encoding="utf-8")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        document = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ContractError(f"{path}:{line}: not valid YAML: {error.problem}.") from None
    validator = Draft202012Validator(json.loads(SCHEMA_FILE.read_text()))
    problems = [
        (list(error.absolute_path), error.message) for error in validator.iter_errors(document)
    ]
    if not problems:
        problems = list(_semantic_problems(document))
    if problems:
        sentences = "\n".join(
            f"{path}:{_line_of(root, where) if root else 1}: "
            f"{'.'.join(str(step) for step in where) or 'file'}: {what}"
            for where, what in problems
        )
        raise ContractError(
            f"The ingestion contract is broken in {len(problems)} place(s); correct them "
            f"(the schema is {SCHEMA_FILE.name}):\n{sentences}"
        )
    return tuple(
        SystemContract(
            name=source["name"],
            description=source["description"],
            tables=tuple(
                _table_from(source["name"], _meta(source)["timezone"], table)
                for table in source["tables"]
            ),
            **_meta(source),
        )
        for source in document["sources"]
    )


@cache
def load_contracts(staging_dir: Path) -> Mapping[str, SystemContract]:
    """Read every ``staging/<system>/sources.yml``; return the systems by name.

    Raises
    ------
    ContractError
        When a file breaks the contract.
    """
    systems = [
        system
        for path in sorted(staging_dir.glob("*/sources.yml"))
        for system in load_contract_file(path)
    ]
    return {system.name: system for system in systems}


def select_systems(
    contracts: Mapping[str, SystemContract], names: Sequence[str]
) -> tuple[SystemContract, ...]:
    """Return the named systems, in name order.

    Raises
    ------
    ConfigurationError
        When a name is unknown, none is given, or the systems' currencies differ.
    """
    known = ", ".join(sorted(contracts))
    unknown = sorted(set(names) - set(contracts))
    if unknown:
        raise ConfigurationError(
            f"Unknown source system(s): {', '.join(unknown)}. Known ones are: {known}. "
            "Correct --sources or CADENCIA_SOURCES."
        )
    if not names:
        raise ConfigurationError(f"No source system is named. Choose from: {known}.")
    chosen = tuple(contracts[name] for name in sorted(set(names)))
    currencies = {system.currency for system in chosen}
    if len(currencies) > 1:
        raise ConfigurationError(
            f"The source systems use different currencies ({', '.join(sorted(currencies))}) and "
            "amounts must not be added up across them. Run them one by one."
        )
    return chosen
