"""The registry of personal columns: the data class of every column of every table of the warehouse.

One registry drives the analysts' database, erasure, export and the search for leaks. Belongs here:
reading the classes from yml and vocabulary, and refusing a column without one. Does not: what
follows from a class (`analytics`, `leaks`, the other modules of this package).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa
import yaml

from orchestration.lib.contract_rules import IDENTIFYING_CLASSES
from orchestration.lib.errors import ContractError
from orchestration.settings import DBT_PROJECT_DIR

VOCABULARY_FILE = DBT_PROJECT_DIR / "column_classes.yml"
# From the weakest to the strictest.
CLASSES = ("none", "quasi_identifier", "sensitive", "customer_key", "direct_identifier")
# Layers in which a name means what it means elsewhere; the others say it of every column.
SHARING_SCHEMAS = ("staging", "intermediate", "plays", "identity")
REGISTRY = "privacy.personal_columns"
SHOWN = 20


class ColumnClass(NamedTuple):
    """Data class and, for what identifies, which identifier it is."""

    data_class: str
    identifier_kind: str | None = None

    @property
    def is_identifying(self) -> bool:
        """Whether it names a person or is the key of one."""
        return self.data_class in IDENTIFYING_CLASSES


@dataclass(frozen=True)
class PersonalColumn:
    """One column of the warehouse and what it says of a person."""

    schema: str
    table: str
    column: str
    data_class: str
    identifier_kind: str | None = None

    @property
    def relation(self) -> str:
        """Quoted name of its table."""
        return f'"{self.schema}"."{self.table}"'

    @property
    def is_identifying(self) -> bool:
        """Whether it names a person or is the key of one."""
        return self.data_class in IDENTIFYING_CLASSES


@dataclass(frozen=True)
class Vocabulary:
    """Classes by name alone: of what loading adds to raw tables, and of what the layers share."""

    technical: Mapping[str, ColumnClass]
    shared: Mapping[str, ColumnClass]


def meta_of_column(column: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return ``config.meta.cadencia`` of a column of the dbt manifest."""
    meta = column.get("config", {}).get("meta") or column.get("meta") or {}
    found: Mapping[str, Any] = meta.get("cadencia", {})
    return found


def declared_class(column: Mapping[str, Any]) -> ColumnClass | None:
    """Return what a column's yml says, None when it says nothing."""
    meta = meta_of_column(column)
    if meta.get("data_class") is None:
        return None
    return ColumnClass(meta["data_class"], meta.get("identifier_kind"))


@cache
def read_vocabulary(path: Path = VOCABULARY_FILE) -> Vocabulary:
    """Read ``column_classes.yml``.

    Raises
    ------
    ContractError
        When a class is unknown, a name stands twice, or an identifier has no kind.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    return Vocabulary(
        *(_names(path, section, document.get(section) or {}) for section in ("technical", "shared"))
    )


def _names(path: Path, section: str, block: Mapping[str, Any]) -> dict[str, ColumnClass]:
    names: dict[str, ColumnClass] = {}
    for data_class, content in block.items():
        if data_class not in CLASSES:
            raise ContractError(
                f"{path.name}: {section}: '{data_class}' is no data class; those are "
                f"{', '.join(CLASSES)}."
            )
        if isinstance(content, Mapping) != (data_class in IDENTIFYING_CLASSES):
            raise ContractError(
                f"{path.name}: {section}: {data_class}: direct identifiers and customer keys stand "
                "by their kind (email: [...]), the others are a plain list of names."
            )
        groups = content if isinstance(content, Mapping) else {None: content}
        for kind, listed in groups.items():
            for name in listed:
                if name in names:
                    raise ContractError(f"{path.name}: {section}: '{name}' stands twice.")
                names[name] = ColumnClass(data_class, kind)
    return names


def _relation_of(node: Mapping[str, Any]) -> tuple[str, str]:
    return node["schema"], node.get("identifier") or node.get("alias") or node["name"]


def _nodes(manifest: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for node in [*manifest["nodes"].values(), *manifest["sources"].values()]:
        if node["resource_type"] in ("model", "seed", "snapshot", "source"):
            yield node


def strictest(classes: Iterable[ColumnClass]) -> frozenset[ColumnClass]:
    """Return those of the strictest data class; more than one when their kinds differ."""
    found = frozenset(classes)
    rank = max((CLASSES.index(each.data_class) for each in found), default=0)
    return frozenset(each for each in found if CLASSES.index(each.data_class) == rank)


class ColumnClasses:
    """What is known of each column, from the manifest and the vocabulary."""

    def __init__(self, manifest: Mapping[str, Any], vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.declared: dict[tuple[str, str], dict[str, ColumnClass]] = {}
        self.seeds: set[tuple[str, str]] = set()
        self.files: dict[tuple[str, str], str] = {}
        of_system: dict[tuple[str, str], set[ColumnClass]] = defaultdict(set)
        by_name: dict[str, set[ColumnClass]] = defaultdict(set)
        for node in _nodes(manifest):
            relation = _relation_of(node)
            self.files[relation] = node.get("original_file_path", "")
            if node["resource_type"] == "seed":
                # Seeds are reference data in Git, where no personal data may be.
                self.seeds.add(relation)
                continue
            columns = {
                name: found
                for name, column in node["columns"].items()
                if (found := declared_class(column)) is not None
            }
            self.declared[relation] = columns
            for name, found in columns.items():
                if relation[0] == "raw":
                    of_system[node["source_name"], name].add(found)
                else:
                    by_name[name].add(found)
        self.of_system = {key: strictest(found) for key, found in of_system.items()}
        self.by_name = {name: strictest(found) for name, found in by_name.items()}

    def of(self, schema: str, table: str, column: str) -> ColumnClass | None:
        """Return the class of a column, None when nobody has said anything.

        Raises
        ------
        ContractError
            When its name means several kinds of identifiers, so that one has to be named.
        """
        if (schema, table) in self.seeds:
            return ColumnClass("none")
        declared = self.declared.get((schema, table), {}).get(column)
        if schema == "raw":
            return declared or self._technical(schema, table, column)
        if declared is not None and (declared.identifier_kind or not declared.is_identifying):
            return declared
        if schema not in SHARING_SCHEMAS:
            return declared
        return self._by_name(schema, table, column, declared)

    def _technical(self, schema: str, table: str, column: str) -> ColumnClass | None:
        is_known = (schema, table) in self.declared
        return self.vocabulary.technical.get(column) if is_known else None

    def _by_name(
        self, schema: str, table: str, column: str, declared: ColumnClass | None
    ) -> ColumnClass | None:
        if column in self.vocabulary.shared:
            return self.vocabulary.shared[column]
        known = set(self.by_name.get(column, ()))
        if schema == "staging":
            known |= self.of_system.get((system_of(table), column), frozenset())
        found = strictest([*known, *([declared] if declared else [])])
        kinds = {each for each in found if each.identifier_kind} or found
        if len(kinds) > 1:
            named = ", ".join(sorted(str(each.identifier_kind) for each in kinds))
            raise ContractError(
                f"The name of {schema}.{table}.{column} stands for several kinds of identifiers "
                f"({named}). Say which one it is here: {self.remedy(schema, table, column)}"
            )
        return next(iter(kinds), None)

    def contradictions(self) -> list[str]:
        """Return the sentences about names that yml and vocabulary class differently."""
        return [
            f"{name}: {VOCABULARY_FILE.name} says {said.data_class}, yml of a mart or of identity "
            f"says {found.data_class}; take it out of the vocabulary, or give it another name."
            for name, said in sorted(self.vocabulary.shared.items())
            for found in self.by_name.get(name, ())
            if found.data_class != said.data_class
        ]

    def remedy(self, schema: str, table: str, column: str) -> str:
        """Return what to write, and where, about a column that has no class."""
        line = f"{{name: {column}, config: {{meta: {{cadencia: {{data_class: none}}}}}}}}"
        file = self.files.get((schema, table), "")
        if schema == "raw":
            if (schema, table) in self.declared:
                return (
                    f"its contract, dbt_project/{file}, does not declare the column; add it there"
                )
            return (
                "no contract declares this table any more, so nobody answers for its personal data; "
                f"put models/staging/{system_of('raw_' + table)}/sources.yml back, or run "
                "`cadencia run --full-refresh`, which drops raw tables that no contract declares"
            )
        if not file:
            return (
                "no yml declares the table; a table that Python writes belongs into "
                f"dbt_project/models/staging/sources.yml with a data_class per column, e.g. {line}"
            )
        beside = file.removesuffix(".sql").removesuffix(".yml") + ".yml"
        text = f"add to its columns in dbt_project/{beside}: {line} (or the class that it has)"
        if schema in SHARING_SCHEMAS:
            text += f"; a name that several models share may stand in dbt_project/{VOCABULARY_FILE.name}"
        return text


def system_of(table: str) -> str:
    """Return the source system in the name of a staging model, ``stg_<system>__<entity>``."""
    return table.partition("__")[0].partition("_")[2]


def classes_of(manifest: Mapping[str, Any]) -> ColumnClasses:
    """Return what the project says of its columns.

    Raises
    ------
    ContractError
        When yml and vocabulary contradict each other.
    """
    classes = ColumnClasses(manifest, read_vocabulary())
    contradictions = classes.contradictions()
    if contradictions:
        raise ContractError("\n".join(contradictions))
    return classes


def _columns_of(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, str]]:
    return connection.execute(
        """select schema_name, table_name, column_name from duckdb_columns()
        where not internal and database_name = current_database()
        order by schema_name, table_name, column_index"""
    ).fetchall()


def personal_columns(
    manifest: Mapping[str, Any], connection: duckdb.DuckDBPyConnection
) -> list[PersonalColumn]:
    """Return every column of every table and view of the warehouse with its class.

    Raises
    ------
    ContractError
        When a column has no class, whatever its schema: each is named with what to write where.
    """
    classes = classes_of(manifest)
    columns, unclassified, without_kind = [], [], []
    for schema, table, column in _columns_of(connection):
        found = classes.of(schema, table, column)
        if found is None:
            unclassified.append((schema, table, column))
        elif found.is_identifying and not found.identifier_kind:
            without_kind.append((schema, table, column))
        else:
            columns.append(PersonalColumn(schema, table, column, *found))
    problems = [
        *_sentences(classes, unclassified, "has no data class"),
        *_sentences(classes, without_kind, "has no identifier_kind beside its data_class"),
    ]
    if problems:
        raise ContractError(
            "Nobody has decided what these columns say about a person, so nothing is published "
            "(docs/privacy.md explains the classes):\n" + "\n".join(problems)
        )
    return columns


def published_columns(
    manifest: Mapping[str, Any], connection: duckdb.DuckDBPyConnection
) -> list[PersonalColumn]:
    """Return the registry that a published version holds: it was made with the columns that it has.

    A version from before there was one is classed by today's project.

    Raises
    ------
    ContractError
        When such a version has a column without a class.
    """
    schema, _, table = REGISTRY.partition(".")
    is_held = connection.execute(
        """select 1 from duckdb_tables()
        where database_name = current_database() and schema_name = ? and table_name = ?""",
        [schema, table],
    ).fetchall()
    if not is_held:
        return personal_columns(manifest, connection)
    rows = connection.execute(
        f"""select schema_name, table_name, column_name, data_class, identifier_kind
        from {REGISTRY}"""
    ).fetchall()
    return [PersonalColumn(*row) for row in rows]


def _sentences(
    classes: ColumnClasses, places: Sequence[tuple[str, str, str]], what: str
) -> list[str]:
    sentences = [
        f"- {'.'.join(place)} {what}: {classes.remedy(*place)}." for place in places[:SHOWN]
    ]
    if len(places) > SHOWN:
        sentences.append(f"- and {len(places) - SHOWN} more like them.")
    return sentences


def write_registry(
    manifest: Mapping[str, Any], connection: duckdb.DuckDBPyConnection
) -> list[PersonalColumn]:
    """Write ``privacy.personal_columns``, one row per column of the warehouse; return them.

    Raises
    ------
    ContractError
        When a column has no class.
    """
    connection.execute("create schema if not exists privacy")
    connection.execute(
        f"""create or replace table {REGISTRY} (schema_name varchar, table_name varchar,
        column_name varchar, data_class varchar, identifier_kind varchar)"""
    )
    columns = personal_columns(manifest, connection)
    rows = [(c.schema, c.table, c.column, c.data_class, c.identifier_kind) for c in columns]
    frame = pa.table(  # noqa: F841 - DuckDB finds it by name
        [pa.array(values, pa.string()) for values in zip(*rows, strict=True)],
        names=["schema_name", "table_name", "column_name", "data_class", "identifier_kind"],
    )
    connection.execute(f"insert into {REGISTRY} by name from frame")
    return columns
