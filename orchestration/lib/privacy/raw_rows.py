"""Which customer record a row of a raw table is of, and which identifiers stand in it, by its contract.

Belongs here: SQL from the contract's ``record_keys``, ``record_lookup`` and ``grouped_by``. Does not:
whose record it is (`subjects`), what becomes of the row (`erasure`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import duckdb

from orchestration.lib.contract import ColumnContract, SystemContract, TableContract
from orchestration.lib.sql_text import quoted_name, quoted_text

IDENTIFYING_CLASSES = ("direct_identifier", "customer_key")
# Who lives where is the person's as long as it is in the row; what it cost and when it was is not.
UNLINKED_CLASSES = (*IDENTIFYING_CLASSES, "quasi_identifier")
# What a car is, whoever keeps it; keeper and plate are emptied.
THINGS = ("vin", "vehicle_id", "registration_date", "registered_on")
SEPARATOR = "|"


@dataclass(frozen=True)
class RawTable:
    """A raw table that is in a warehouse, with its contract and the columns that it has."""

    contract: TableContract
    columns: frozenset[str]

    def is_named(self, table: str) -> bool:
        """Whether the raw table has that name."""
        return self.contract.identifier == table

    def rows(self, *, is_with_lookup: bool = True) -> str:
        """Return a query of the rows as text: the contract's columns, ``_row_id``, ``_records``.

        ``_records`` is the list of the customer records that the row may be of, as '<system>:<key>'.
        """
        texts = ", ".join(
            f"cast({quoted_name(column.name)} as varchar) as {quoted_name(column.name)}"
            if column.name in self.columns
            else f"cast(null as varchar) as {quoted_name(column.name)}"
            for column in self.contract.columns
        )
        records = record_expressions(self.contract)
        if is_with_lookup and self.contract.record_lookup:
            records = [self.contract.record_lookup, *records]
        listed = ", ".join(f"({each})" for each in records) or "cast(null as varchar)"
        return (
            f"select *, [{listed}] as _records from "
            f"(select rowid as _row_id, {texts} from {self.contract.relation})"
        )


def policy_of(table: TableContract) -> str:
    """Return what an erasure does to the person's rows: as declared, else delete where there are any."""
    if table.erasure:
        return table.erasure
    return "delete" if identifying_columns(table) else "keep"


def identifying_columns(table: TableContract) -> tuple[ColumnContract, ...]:
    """Return the columns that hold direct identifiers or keys of customers."""
    return tuple(each for each in table.columns if each.data_class in IDENTIFYING_CLASSES)


def unlinked_columns(table: TableContract) -> tuple[str, ...]:
    """Return the columns that unlinking empties in a row that stays."""
    return tuple(
        column.name
        for column in table.columns
        if column.data_class in UNLINKED_CLASSES
        and column.name not in THINGS
        and column.name not in table.primary_key
    )


def record_expressions(table: TableContract) -> list[str]:
    """Return SQL of the records a row may be of: as declared, else its columns with a customer's key."""
    if table.record_keys:
        return list(table.record_keys)
    return [
        f"{quoted_text(table.system + ':')} || "
        f"nullif(trim(replace({quoted_name(column.name)}, '''', '')), '')"
        for column in table.columns
        if column.data_class == "customer_key"
    ]


def joined_sql(names: Iterable[str], prefix: str = "") -> str:
    """Return SQL of several columns as one text; NULL in one of them is an empty part."""
    parts = (f"coalesce(cast({prefix}{quoted_name(name)} as varchar), '')" for name in names)
    return f" || {quoted_text(SEPARATOR)} || ".join(parts)


def row_key_sql(table: TableContract, prefix: str = "") -> str | None:
    """Return SQL of the row's own key, None for a table without one."""
    return joined_sql(table.primary_key, prefix) if table.primary_key else None


def group_key_sql(table: TableContract, prefix: str = "") -> str | None:
    """Return SQL of what rows of one event share (a session, an order); None when rows stand alone."""
    return joined_sql(table.grouped_by, prefix) if table.grouped_by else None


def _is_runnable(connection: duckdb.DuckDBPyConnection, query: str) -> bool:
    try:
        connection.execute(f"select * from ({query}) limit 0")
    except duckdb.Error:
        return False
    return True


def raw_tables(
    connection: duckdb.DuckDBPyConnection, contracts: Mapping[str, SystemContract]
) -> list[RawTable]:
    """Return the raw tables of the warehouse that have a contract, in the order of the contracts.

    A version published before a column, or before the staging model that a ``record_lookup`` reads, is
    taken without it.
    """
    found: dict[str, set[str]] = {}
    for table, column in connection.execute(
        """select table_name, column_name from duckdb_columns()
        where schema_name = 'raw' and database_name = current_database()"""
    ).fetchall():
        found.setdefault(table, set()).add(column)
    tables = []
    for system in contracts.values():
        for contract in system.tables:
            if contract.identifier in found:
                tables.append(RawTable(contract, frozenset(found[contract.identifier])))
    return tables


def rows_of_table(connection: duckdb.DuckDBPyConnection, table: RawTable) -> str:
    """Return the query of a table's rows, without the look-up where the warehouse lacks its model."""
    query = table.rows()
    if table.contract.record_lookup and not _is_runnable(connection, query):
        return table.rows(is_with_lookup=False)
    return query
