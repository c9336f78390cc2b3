"""Keep erased people out of a load: their rows are rejected, or taken without saying whose they were.

Belongs here: what a load does with the rows that tombstones match. Does not: matching (`privacy.tombstones`).

The rejected row keeps no raw line, and in a table whose rows outlive their person (tickets, orders)
the row is taken with the customer's key and the personal columns empty, as the erasure left it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import duckdb

from orchestration.lib.contract import TableContract
from orchestration.lib.privacy.raw_rows import policy_of, unlinked_columns
from orchestration.lib.privacy.tombstones import Recogniser
from orchestration.lib.sql_text import quoted_name, quoted_text

ERASED_COLUMN = "(row)"
ERASED_PERSON = "erased_person"


@dataclass
class Refusals:
    """Rows of erased people by file, and how many rows of people who came anew were taken."""

    refused: Counter[int] = field(default_factory=Counter)
    unlinked: Counter[int] = field(default_factory=Counter)
    anew: int = 0


def refuse_rows(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    relation: str,
    recogniser: Recogniser,
    code: str,
    refusals: Refusals,
) -> None:
    """Mark the rows of erased people in a relation of typed rows as rejected, or empty their columns."""
    if policy_of(table) == "keep":
        return
    refused, anew = recogniser.find(connection, table, relation)
    refusals.anew += anew
    if not refused:
        return
    theirs = "rowid in (select row_id from _erased_rows where not is_later)"
    is_rejected = "true"
    columns = unlinked_columns(table)
    if policy_of(table) == "unlink":
        # a row that is rejected anyhow keeps nothing either
        is_rejected = "_problems is not null"
        _count(connection, relation, f"{theirs} and _problems is null", refusals.unlinked)
        emptied = ", ".join(f"{quoted_name(name)} = null" for name in columns)
        connection.execute(f"update {relation} set {emptied} where {theirs}")
    _count(connection, relation, f"{theirs} and {is_rejected}", refusals.refused)
    connection.execute(
        f"""update {relation} set _problems = {quoted_text(code)}, _raw_line = null
        where {theirs} and {is_rejected}"""
    )


def refuse_broken(
    connection: duckdb.DuckDBPyConnection,
    broken: str,
    recogniser: Recogniser,
    refusals: Refusals,
) -> None:
    """Forget the raw lines that could not be read and hold an identifier of somebody erased."""
    lines = connection.execute(
        f"select rowid, _file_index, _row_number, _raw_line from {broken} where _raw_line is not null"
    ).fetchall()
    seen: set[tuple[int, int]] = set()
    for row_id, file_index, row_number, line in lines:
        if recogniser.known_in(line):
            connection.execute(
                f"update {broken} set _raw_line = null, column_name = ?, reason = ? where rowid = ?",
                [ERASED_COLUMN, ERASED_PERSON, row_id],
            )
            if (file_index, row_number) not in seen:
                refusals.refused[file_index] += 1
                seen.add((file_index, row_number))


def _count(
    connection: duckdb.DuckDBPyConnection, relation: str, condition: str, counter: Counter[int]
) -> None:
    for index, rows in connection.execute(
        f"select _file_index, count(*) from {relation} where {condition} group by all"
    ).fetchall():
        counter[index] += rows
