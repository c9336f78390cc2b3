"""Every row of every table that is about a person, by the registry: no list of tables.

A table with a customer key, a record or an identifier appears because the registry says so. Rows that
name somebody else as well (a pair of records, a former owner) keep only what is the person's. Belongs
here: rows and whose values stand in them. Does not: what they mean (`narrative`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from orchestration.lib.contract import SystemContract
from orchestration.lib.privacy.identifier_forms import STRONG_KINDS
from orchestration.lib.privacy.raw_rows import raw_tables
from orchestration.lib.privacy.registry import PersonalColumn
from orchestration.lib.privacy.subjects import Subject
from orchestration.lib.privacy.targets import (
    CUSTOMER_COLUMN,
    RECORD_COLUMN,
    content_condition,
    stage,
    table_condition,
    targets_of,
)
from orchestration.lib.sql_text import quoted_name

SOMEBODY_ELSE = "[another person]"
FOLLOWED = "_followed"
# Keys of what is the person's, under which other tables know it: a car, a household, a row of the linking.
# A table that names a customer or a record is never looked at by them: it has the others' rows too.
KEYS_TO_FOLLOW: Mapping[str, frozenset[str]] = {
    "household": frozenset({"household_id", "from_household_id", "to_household_id"}),
    "vehicle": frozenset({"vehicle_id", "source_vehicle_id", "vin"}),
    "number": frozenset({"record_number", "left_number", "right_number"}),
    "cluster": frozenset({"person_cluster"}),
}
NAMED_KEYS = frozenset({"source_customer_id"})
SHORTEST_VALUE = 6
REJECTS = ("raw", "_rejects")


@dataclass(frozen=True)
class Holding:
    """The person's rows of one table; values of other people are replaced by `SOMEBODY_ELSE`."""

    schema: str
    table: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    personal: Mapping[str, PersonalColumn] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """``schema.table``."""
        return f"{self.schema}.{self.table}"

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass
class _Own:
    """Texts that are the person's, to tell their values from those of others."""

    keys: set[str]
    values: set[str]
    followed: dict[str, set[str]] = field(default_factory=dict)

    def has_key(self, value: object) -> bool:
        # some exports write a number as '123, so that spreadsheets keep it a text
        return str(value).strip(" '") in self.keys

    def has_value(self, value: object) -> bool:
        text = str(value).strip().lower()
        return text in self.values or self.has_key(value)


def collect(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    registry: Sequence[PersonalColumn],
    subjects: Sequence[Subject],
    quarantine: Path | None = None,
) -> list[Holding]:
    """Return the person's rows of every table and view that has any, and lines set aside.

    Parameters
    ----------
    connection
        A ``crm.duckdb`` on which `find_subjects` was called; read-only is enough.
    contracts
        Contracts of all source systems: whose record a delivered row is.
    registry
        Every column of the warehouse with its class (`personal_columns`).
    subjects
        The person: one golden customer, with the records that the linking left alone.
    quarantine
        Folder of the rejected lines of runs that were stopped.
    """
    stage(connection, targets_of(connection, contracts, subjects))
    own = _own_texts(connection, subjects)
    tables: dict[tuple[str, str], dict[str, PersonalColumn]] = {}
    for column in registry:
        tables.setdefault((column.schema, column.table), {})[column.column] = column
    holdings: dict[tuple[str, str], Holding] = {}
    conditions: dict[tuple[str, str], str | None] = {}
    for (schema, table), columns in tables.items():
        kinds = {name: each.identifier_kind for name, each in columns.items()}
        condition = _condition(connection, contracts, schema, table, kinds)
        if condition is None or (schema != "raw" and not any(map(_is_key, columns))):
            conditions[schema, table] = condition
            continue
        holdings[schema, table] = _fetch(connection, schema, table, condition, columns)
    own.followed = _followed_keys(holdings.values())
    own.keys |= {value for values in own.followed.values() for value in values}
    _stage_followed(connection, own.followed)
    for (schema, table), by_identifier in conditions.items():
        columns = tables[schema, table]
        parts = [by_identifier, _followed_condition(columns)]
        if (schema, table) == REJECTS:
            parts = [_reject_condition(connection, subjects)]
        condition = " or ".join(part for part in parts if part)
        if condition:
            holdings[schema, table] = _fetch(connection, schema, table, condition, columns)
    followed = {place for place in conditions if place != REJECTS}
    set_aside = _quarantined(connection, subjects, quarantine)
    if set_aside is not None:
        holdings[set_aside.schema, set_aside.table] = set_aside
    return [
        _without_others(holdings[place], own, is_followed=place in followed)
        for place in sorted(holdings)
        if holdings[place].rows
    ]


def _condition(
    connection: duckdb.DuckDBPyConnection,
    contracts: Mapping[str, SystemContract],
    schema: str,
    table: str,
    kinds: Mapping[str, str | None],
) -> str | None:
    found = table_condition(
        connection, contracts, schema, table, {name: kind for name, kind in kinds.items() if kind}
    )
    if found is not None or schema != "raw":
        return found
    # What an erasure keeps (a steward's decision) is told all the same.
    raw = [each for each in raw_tables(connection, contracts) if each.is_named(table)]
    content = content_condition(raw[0].contract, "delivered.") if raw else "(false)"
    if content == "(false)":
        return None
    rows = raw[0].rows(is_with_lookup=False)
    return f"rowid in (select _row_id from ({rows}) as delivered where {content})"


def _own_texts(connection: duckdb.DuckDBPyConnection, subjects: Sequence[Subject]) -> _Own:
    keys = {subject.customer_id for subject in subjects}
    for subject in subjects:
        for system, key in subject.records:
            keys |= {key, f"{system}:{key}"}
    former = connection.execute(
        """with recursive earlier as (
            select from_customer_id as customer_id from marts.customer_id_history
            where to_customer_id in (select unnest(?)) and from_customer_id is not null
            union
            select history.from_customer_id from marts.customer_id_history as history
            inner join earlier on history.to_customer_id = earlier.customer_id
            where history.from_customer_id is not null
        )
        select customer_id from earlier
        where customer_id not in (select customer_id from marts.customer_identities)""",
        [sorted(keys)],
    ).fetchall()
    keys |= {customer_id for (customer_id,) in former}
    values = {
        identifier.value.strip().lower()
        for subject in subjects
        for identifier in subject.identifiers
    }
    return _Own(keys, values)


def _fetch(
    connection: duckdb.DuckDBPyConnection,
    schema: str,
    table: str,
    condition: str,
    columns: Mapping[str, PersonalColumn],
) -> Holding:
    relation = connection.execute(
        f"select * from {quoted_name(schema)}.{quoted_name(table)} where {condition}"
    )
    names = tuple(each[0] for each in relation.description or ())
    return Holding(schema, table, names, tuple(relation.fetchall()), columns)


def _followed_keys(holdings: Iterable[Holding]) -> dict[str, set[str]]:
    """Return the keys of the person's things, from rows that are the person's beyond doubt."""
    found: dict[str, set[str]] = {kind: set() for kind in KEYS_TO_FOLLOW}
    for holding in holdings:
        for kind, names in KEYS_TO_FOLLOW.items():
            for position, name in enumerate(holding.columns):
                if name in names:
                    found[kind] |= {str(row[position]) for row in holding.rows} - {"None"}
    return found


def _stage_followed(
    connection: duckdb.DuckDBPyConnection, followed: Mapping[str, Iterable[str]]
) -> None:
    connection.execute(f"create or replace temp table {FOLLOWED} (kind varchar, value varchar)")
    pairs = [(kind, value) for kind, values in followed.items() for value in sorted(values)]
    if pairs:
        connection.executemany(f"insert into {FOLLOWED} values (?, ?)", pairs)


def _followed_condition(columns: Mapping[str, PersonalColumn]) -> str | None:
    parts = [
        f"coalesce(cast({quoted_name(name)} as varchar) in "
        f"(select value from {FOLLOWED} where kind = '{kind}'), false)"
        for kind, names in KEYS_TO_FOLLOW.items()
        for name in columns
        if name in names
    ]
    return " or ".join(parts) or None


def _reject_condition(connection: duckdb.DuckDBPyConnection, subjects: Sequence[Subject]) -> str:
    """Return SQL that finds rejected lines that hold an identifier or a key that only the person has."""
    texts = {
        identifier.value.lower()
        for subject in subjects
        for identifier in subject.identifiers
        if identifier.kind in STRONG_KINDS and not identifier.is_shared
    }
    texts |= {key.lower() for subject in subjects for _, key in subject.records}
    connection.execute(
        "create or replace temp table _texts as select unnest(?) as value",
        [sorted(text for text in texts if len(text) >= SHORTEST_VALUE)],
    )
    return (
        "exists (select 1 from _texts where contains(lower(coalesce(raw_line, '')), _texts.value))"
    )


def _quarantined(
    connection: duckdb.DuckDBPyConnection, subjects: Sequence[Subject], folder: Path | None
) -> Holding | None:
    """Return the person's lines of the files that stopped runs left in quarantine."""
    files = sorted(map(str, folder.glob("*/*.csv"))) if folder and folder.is_dir() else []
    if not files:
        return None
    condition = _reject_condition(connection, subjects)
    relation = connection.execute(
        f"select * from read_csv(?, all_varchar = true, union_by_name = true) where {condition}",
        [files],
    )
    names = tuple(each[0] for each in relation.description or ())
    return Holding("quarantine", "rejected_lines", names, tuple(relation.fetchall()))


def _is_key(name: str) -> bool:
    """Whether a column names a customer or a record: somebody else's makes a row a shared one."""
    numbers = KEYS_TO_FOLLOW["number"]
    return bool(
        CUSTOMER_COLUMN.search(name)
        or RECORD_COLUMN.search(name)
        or name in numbers
        or name in NAMED_KEYS
    )


def _without_others(holding: Holding, own: _Own, *, is_followed: bool) -> Holding:
    """Replace what is somebody else's in rows that name somebody else, or that a thing led to."""
    keys = [position for position, name in enumerate(holding.columns) if _is_key(name)]
    personal = [
        (position, holding.personal[name].is_identifying)
        for position, name in enumerate(holding.columns)
        # what loading adds (a hash of the row) names nobody
        if name in holding.personal
        and holding.personal[name].data_class != "none"
        and not name.startswith("_")
    ]
    rows = []
    for row in holding.rows:
        is_shared = any(row[at] is not None and not own.has_key(row[at]) for at in keys)
        cells = list(row)
        for at, is_identifying in personal:
            is_looked_at = is_shared or (is_followed and is_identifying)
            if is_looked_at and row[at] is not None and not own.has_value(row[at]):
                cells[at] = SOMEBODY_ELSE
        rows.append(tuple(cells))
    return Holding(holding.schema, holding.table, holding.columns, tuple(rows), holding.personal)
