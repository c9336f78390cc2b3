"""Build ``analytics.duckdb`` from the warehouse: documented, pseudonymised, no direct identifier.

An allow-list by the registry of personal columns: a column goes over only when its class may. Belongs
here: the copy and its rules. Does not: when it happens (`defs/publish`), or atomicity (`publishing`).
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from pathlib import Path

import duckdb

from orchestration.lib.privacy.registry import PersonalColumn
from orchestration.lib.privacy.small_groups import Aggregate, guarded_value
from orchestration.lib.sql_text import quoted_name, quoted_text

EXPORTED_SCHEMAS = ("marts", "ml", "plan", "quality", "reference", "ops", "privacy")
EXPORTED_CLASSES = ("none", "quasi_identifier", "sensitive")
KEY_CLASS = "customer_key"
# Keys that many rows share: hashed once a value. Others are nearly one a row: hashed where they stand.
SHARED_KINDS = ("customer_key", "vehicle")
HMAC_BLOCK = 64
PSEUDONYM = (
    "'P' || left(sha256(getvariable('outer_pad') "
    "|| unhex(sha256(getvariable('inner_pad') || encode(cast({value} as varchar))))), 32)"
)


@dataclass(frozen=True)
class Protection:
    """How small groups are guarded.

    Attributes
    ----------
    minimum_group_size
        Fewer people than this are a small group; 1 guards nothing.
    aggregates
        The tables of aggregates, by schema and table.
    """

    minimum_group_size: int = 1
    aggregates: Mapping[tuple[str, str], Aggregate] = field(default_factory=dict)

    @property
    def is_on(self) -> bool:
        """Whether anything is guarded."""
        return self.minimum_group_size > 1


@dataclass(frozen=True)
class _Column:
    """A column that goes over, with what the file says of it."""

    name: str
    data_class: str
    identifier_kind: str | None
    data_type: str
    comment: str | None


@dataclass(frozen=True)
class _Table:
    schema: str
    name: str
    comment: str | None
    columns: tuple[_Column, ...]

    @property
    def relation(self) -> str:
        return f"{quoted_name(self.schema)}.{quoted_name(self.name)}"

    @property
    def person_key(self) -> str | None:
        """The column that says whose a row is."""
        keys = (c.name for c in self.columns if c.identifier_kind == "customer_key")
        return next(keys, None)


def pseudonyms(values: list[str], key: bytes) -> list[str]:
    """Return keyed pseudonyms: the first 128 bits of HMAC-SHA256, hexadecimal, prefix ``P``.

    Without the key a pseudonym can't be recomputed from a customer id (a plain hash could).
    """
    return ["P" + hmac.new(key, value.encode(), sha256).hexdigest()[:32] for value in values]


def _use_key(connection: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Let `PSEUDONYM` compute HMAC-SHA256 in SQL; as a variable the key is in no statement's text."""
    block = (sha256(key).digest() if len(key) > HMAC_BLOCK else key).ljust(HMAC_BLOCK, b"\0")
    for name, mask in (("inner_pad", 0x36), ("outer_pad", 0x5C)):
        connection.execute(f"set variable {name} = ?::blob", [bytes(b ^ mask for b in block)])


def _tables(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[PersonalColumn]
) -> list[_Table]:
    """Return the tables that go over, each with its columns that may; views stay."""
    places = ", ".join(quoted_text(schema) for schema in EXPORTED_SCHEMAS)
    where = f"database_name = 'crm' and schema_name in ({places})"
    comments = {
        (schema, table): comment
        for schema, table, comment in connection.execute(
            f"select schema_name, table_name, comment from duckdb_tables() where {where}"
        ).fetchall()
    }
    described = {
        (schema, table, column): (data_type, comment)
        for schema, table, column, data_type, comment in connection.execute(
            "select schema_name, table_name, column_name, data_type, comment "
            f"from duckdb_columns() where {where}"
        ).fetchall()
    }
    tables = []
    for (schema, table), group in groupby(columns, key=lambda c: (c.schema, c.table)):
        if (schema, table) not in comments:
            continue
        kept = tuple(
            _Column(c.column, c.data_class, c.identifier_kind, *described[schema, table, c.column])
            for c in group
            if c.data_class in EXPORTED_CLASSES or c.data_class == KEY_CLASS
        )
        if kept:
            tables.append(_Table(schema, table, comments[schema, table], kept))
    return tables


def _hash_shared_keys(connection: duckdb.DuckDBPyConnection, tables: Sequence[_Table]) -> None:
    """Make the temporary table ``pseudonyms(value, pseudonym)`` of the keys that many rows share."""
    parts = [
        f"select cast({quoted_name(column.name)} as varchar) as value from crm.{table.relation}"
        for table in tables
        for column in table.columns
        if column.data_class == KEY_CLASS and column.identifier_kind in SHARED_KINDS
    ]
    union = " union ".join(parts) or "select cast(null as varchar) as value"
    connection.execute(
        f"create temp table pseudonyms as select value, {PSEUDONYM.format(value='value')} as pseudonym "
        f"from ({union}) where value is not null"
    )


def build_analytics(
    crm_file: Path,
    analytics_file: Path,
    columns: Sequence[PersonalColumn],
    key: bytes,
    protection: Protection | None = None,
) -> dict[str, int]:
    """Write the analysts' database; return its row counts by ``schema.table``.

    ``columns`` is the registry of the warehouse (`registry.personal_columns`), in which every column
    has a class: an analyst must not find columns missing without anybody having decided so.
    """
    guard = protection or Protection()
    analytics_file.unlink(missing_ok=True)
    with duckdb.connect(str(analytics_file)) as connection:
        connection.execute(f"attach {quoted_text(str(crm_file))} as crm (read_only)")
        _use_key(connection, key)
        tables = _tables(connection, columns)
        _hash_shared_keys(connection, tables)
        counts = {
            f"{table.schema}.{table.name}": _copy_table(connection, table, guard)
            for table in tables
        }
        connection.execute("detach crm")
        connection.execute("checkpoint")
    return counts


def _copy_table(
    connection: duckdb.DuckDBPyConnection, table: _Table, protection: Protection
) -> int:
    """Copy one table with its pseudonyms, small groups guarded, and comments; return its rows."""
    original = f"crm.{table.relation}"
    minimum = protection.minimum_group_size
    aggregate = protection.aggregates.get((table.schema, table.name)) if protection.is_on else None
    selected, joins = [], []
    for position, column in enumerate(table.columns):
        name = quoted_name(column.name)
        expression = f"original.{name}"
        if column.data_class == KEY_CLASS and column.identifier_kind in SHARED_KINDS:
            alias = f"keyed_{position}"
            expression = f"{alias}.pseudonym"
            joins.append(
                f"left join pseudonyms as {alias} on {alias}.value = cast(original.{name} as varchar)"
            )
        elif column.data_class == KEY_CLASS:
            expression = PSEUDONYM.format(value=expression)
        elif column.data_class == "quasi_identifier" and protection.is_on and table.person_key:
            guarded = guarded_value(
                original, column.name, column.data_type, table.person_key, minimum, position
            )
            expression = guarded.expression
            joins.extend(guarded.joins)
        if aggregate and column.name in aggregate.blanked:
            expression = (
                f"case when not {aggregate.is_small('original', minimum)} then {expression} end"
            )
        selected.append(f"{expression} as {name}")
    kept = ""
    if aggregate and not aggregate.blanked:
        kept = f" qualify not {aggregate.is_small('original', minimum)}"
    connection.execute(f"create schema if not exists {quoted_name(table.schema)}")
    connection.execute(
        f"create table {table.relation} as select {', '.join(selected)} "
        f"from {original} as original {' '.join(joins)}{kept}"
    )
    _describe(connection, table)
    (rows,) = connection.execute(f"select count(*) from {table.relation}").fetchall()[0]
    return int(rows)


def _describe(connection: duckdb.DuckDBPyConnection, table: _Table) -> None:
    if table.comment:
        connection.execute(f"comment on table {table.relation} is {quoted_text(table.comment)}")
    for column in table.columns:
        if column.comment:
            connection.execute(
                f"comment on column {table.relation}.{quoted_name(column.name)} "
                f"is {quoted_text(column.comment)}"
            )
