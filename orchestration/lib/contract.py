"""The ingestion contract: what each ``sources.yml`` promises, validated, as frozen objects.

Belongs here: reading and checking the contract. Does not: reading the delivered files (`ingest`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from orchestration.lib.contract_rest import RestContract
from orchestration.lib.contract_rules import as_tuple, meta_of, semantic_problems
from orchestration.lib.errors import ConfigurationError, ContractError

SCHEMA_FILE = Path(__file__).with_name("contract_schema.json")
# Another one loads every table again: raise it when the same file would give other rows.
LOADER_VERSION = 2
NOT_LOADED_BY = (
    "columns",
    "description",
    "distribution",
    "is_optional",
    "freshness_days",
    "reject_limit_share",
    "erasure",
    "record_keys",
    "record_lookup",
    "grouped_by",
    "registered_at",
)

# What is said about a column, not how it is read.
NOT_READ_BY = ("data_class", "identifier_kind")


@dataclass(frozen=True)
class ColumnContract:
    """One declared column; ``source_column`` is its name (or names) in the file when that differs."""

    name: str
    data_type: str
    data_class: str
    source_column: str | tuple[str, ...]
    is_required: bool = False
    is_optional: bool = False
    is_future_allowed: bool = True
    minimum: float | None = None
    maximum: float | None = None
    date_format: str | tuple[str, ...] | None = None
    position: tuple[int, int] | None = None
    identifier_kind: str | None = None

    @property
    def accepted_names(self) -> tuple[str, ...]:
        """Names or paths under which the column may be delivered, the first found counts."""
        return _names(self.source_column)

    @property
    def date_formats(self) -> tuple[str, ...]:
        """Formats of the date in the order in which they are tried."""
        return _names(self.date_format)

    @property
    def stored_type(self) -> str:
        """Type of the column in the raw table; JSON is kept as its text."""
        return "varchar" if self.data_type == "json" else self.data_type


@dataclass(frozen=True)
class TableContract:
    """One declared table: where its files lie, how to read and merge them, what must hold."""

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
    member: str | None = None
    encoding: str = "auto"
    delimiter: str = "auto"
    quote: str = '"'
    decimal: str = "."
    thousands: str = ""
    header_row: int = 1
    sheet: str | None = None
    records: str | None = None
    explode: str | None = None
    delivery: str = "snapshot"
    version_by: tuple[str, ...] = ()
    is_optional: bool = False
    cursor: str | None = None
    freshness_days: int | None = None
    reject_limit_share: float | None = None
    rest: RestContract | None = None
    erasure: str | None = None
    record_keys: tuple[str, ...] = ()
    record_lookup: str | None = None
    grouped_by: tuple[str, ...] = ()
    registered_at: str | None = None

    @property
    def relation(self) -> str:
        """Quoted name of the raw table."""
        return f'raw."{self.identifier}"'

    @property
    def scheme(self) -> str:
        """Where the table comes from: landing, package, database or rest."""
        return self.location.partition("://")[0]

    @property
    def has_settled_event_time(self) -> bool:
        """Whether the event time can't lie ahead, so that its maximum dates the data."""
        return any(
            column.name == self.event_time and not column.is_future_allowed
            for column in self.columns
        )

    def column(self, name: str) -> ColumnContract:
        """Return the declared column of that name."""
        return next(column for column in self.columns if column.name == name)

    def fingerprint(self) -> str:
        """Hash of everything that changes what a load of the same file would give."""
        content = _without_defaults(self, leave_out=NOT_LOADED_BY)
        content["columns"] = [
            _without_defaults(column, leave_out=NOT_READ_BY) for column in self.columns
        ]
        content["loader"] = LOADER_VERSION
        text = json.dumps(content, sort_keys=True, default=asdict)
        return sha256(text.encode()).hexdigest()


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
    default_url: str | None = None

    def reject_limit_of(self, table: TableContract) -> float:
        """Return the share of rows that may be rejected: the table's own or the system's."""
        if table.reject_limit_share is None:
            return self.reject_limit_share
        return table.reject_limit_share


def _names(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def _without_defaults(
    part: ColumnContract | TableContract, leave_out: Sequence[str]
) -> dict[str, Any]:
    """Return what differs from the defaults, so that a new key leaves old fingerprints alone."""
    return {
        field.name: getattr(part, field.name)
        for field in fields(part)
        if field.name not in leave_out and getattr(part, field.name) != field.default
    }


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


def _column_from(column: Mapping[str, Any]) -> ColumnContract:
    meta = meta_of(column)
    return ColumnContract(
        **{
            "source_column": column["name"],
            **{
                key: tuple(value) if isinstance(value, list) else value
                for key, value in meta.items()
            },
            "name": column["name"],
            "data_type": column["data_type"],
        }
    )


def _table_from(system: str, timezone: str, block: Mapping[str, Any]) -> TableContract:
    meta = meta_of(block)
    return TableContract(
        **{
            **meta,
            "system": system,
            "name": block["name"],
            "identifier": block["identifier"],
            "description": block["description"],
            "columns": tuple(_column_from(column) for column in block["columns"]),
            "primary_key": as_tuple(meta.get("primary_key")),
            "version_by": as_tuple(meta.get("version_by")),
            "record_keys": as_tuple(meta.get("record_keys")),
            "grouped_by": as_tuple(meta.get("grouped_by")),
            "rest": RestContract.from_meta(meta.get("rest")),
            "timezone": meta.get("timezone", timezone),
        }
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
        problems = list(semantic_problems(document))
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
                _table_from(source["name"], meta_of(source)["timezone"], table)
                for table in source["tables"]
            ),
            **meta_of(source),
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
