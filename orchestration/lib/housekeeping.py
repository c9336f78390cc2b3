"""Keep the warehouse file true to the project: no relation that nobody builds, every table described.

Belongs here: what follows from the dbt manifest alone. Does not: data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb

from orchestration.lib.sql_text import quoted_text

BUILT_BY_DBT = ("staging", "intermediate", "marts", "plays", "quality", "reference")


def drop_unknown_relations(
    connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]
) -> list[str]:
    """Drop tables and views that the project no longer has; return their names.

    A working copy starts from the published file, so a renamed model would live on in it for ever.
    Only schemas that dbt builds anew in each run are looked at: nothing there is a source.
    """
    known = {
        (node["schema"], node.get("identifier") or node.get("alias") or node["name"])
        for node in [*manifest["nodes"].values(), *manifest["sources"].values()]
    }
    places = ", ".join(quoted_text(schema) for schema in BUILT_BY_DBT)
    found = connection.execute(
        f"""select table_schema, table_name, table_type from information_schema.tables
        where table_schema in ({places}) and table_catalog = current_database()"""
    ).fetchall()
    dropped = []
    for schema, table, kind in found:
        if (schema, table) not in known:
            what = "view" if kind == "VIEW" else "table"
            connection.execute(f'drop {what} "{schema}"."{table}"')
            dropped.append(f"{schema}.{table}")
    return sorted(dropped)


def drop_undeclared_raw(
    connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]
) -> list[str]:
    """Drop raw tables that no contract declares any more; return their names.

    For a full refresh only, which builds every raw table again from its files: what cannot be built
    is nobody's, and nobody would answer for the personal data in it.
    """
    declared = {
        source["identifier"] for source in manifest["sources"].values() if source["schema"] == "raw"
    }
    found = connection.execute(
        "select table_name from duckdb_tables() "
        "where schema_name = 'raw' and database_name = current_database()"
    ).fetchall()
    dropped = sorted(table for (table,) in found if table not in declared)
    for table in dropped:
        connection.execute(f'drop table raw."{table}"')
    return [f"raw.{table}" for table in dropped]


def describe_tables(connection: duckdb.DuckDBPyConnection, manifest: Mapping[str, Any]) -> None:
    """Put the yml's descriptions on the tables that dbt doesn't describe: those that Python writes."""
    for source in manifest["sources"].values():
        relation = f'"{source["schema"]}"."{source["identifier"]}"'
        existing = {
            row[0]
            for row in connection.execute(
                "select column_name from information_schema.columns "
                "where table_schema = ? and table_name = ?",
                [source["schema"], source["identifier"]],
            ).fetchall()
        }
        if not existing:
            continue
        connection.execute(
            f"comment on table {relation} is {quoted_text(source['description'].strip())}"
        )
        for name, column in source["columns"].items():
            if name in existing:
                connection.execute(
                    f'comment on column {relation}."{name}" is {quoted_text(column["description"].strip())}'
                )
