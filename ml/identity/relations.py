"""What stands in the database that identity works in.

Belongs here: looking for a table. Does not: what is in it.
"""

from __future__ import annotations

import duckdb


def has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Return whether the database has a table or view of this name, schema included."""
    schema, table = name.split(".")
    return bool(
        connection.execute(
            "select count(*) from information_schema.tables where table_schema = ? "
            "and table_name = ? and table_catalog = current_database()",
            [schema, table],
        ).fetchall()[0][0]
    )
