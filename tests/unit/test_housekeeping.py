"""What the project no longer builds goes; what Python writes is described."""

from __future__ import annotations

from typing import Any

import duckdb

from orchestration.lib.housekeeping import describe_tables, drop_unknown_relations

MANIFEST: dict[str, Any] = {
    "nodes": {
        "model.a": {"schema": "marts", "alias": "kept", "name": "kept"},
        "seed.b": {"schema": "reference", "alias": "channels", "name": "channels"},
    },
    "sources": {
        "source.c": {
            "schema": "ml",
            "identifier": "model_runs",
            "description": "One row per model.",
            "columns": {
                "model": {"description": "It's the model."},
                "gone": {"description": "Not in the table."},
            },
        },
        "source.d": {
            "schema": "quality",
            "identifier": "checks",
            "description": "One row per check.",
            "columns": {},
        },
    },
}


def test_renamed_models_do_not_live_on(connection: duckdb.DuckDBPyConnection) -> None:
    for schema in ("marts", "staging", "reference", "quality", "ml", "raw"):
        connection.execute(f"create schema {schema}")
    connection.execute("create table marts.kept as select 1 as x")
    connection.execute("create table marts.old_name as select 1 as x")
    connection.execute("create view staging.stg_old as from marts.kept")
    connection.execute("create table reference.channels as select 1 as x")
    connection.execute("create table quality.checks as select 1 as x")
    # History and delivered data are never dropped, whatever the project says.
    connection.execute("create table ml.old_scores as select 1 as x")
    connection.execute("create table raw.gone_system__orders as select 1 as x")
    assert drop_unknown_relations(connection, MANIFEST) == ["marts.old_name", "staging.stg_old"]
    left = connection.execute(
        "select table_schema || '.' || table_name as name from information_schema.tables order by 1"
    ).fetchall()
    assert [name for (name,) in left] == [
        "marts.kept",
        "ml.old_scores",
        "quality.checks",
        "raw.gone_system__orders",
        "reference.channels",
    ]
    assert drop_unknown_relations(connection, MANIFEST) == []


def test_tables_written_by_python_are_described(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("create schema ml")
    connection.execute("create table ml.model_runs as select 'x' as model")
    describe_tables(connection, MANIFEST)
    assert connection.execute(
        "select comment from duckdb_tables() where table_name = 'model_runs'"
    ).fetchall() == [("One row per model.",)]
    assert connection.execute(
        "select comment from duckdb_columns() where table_name = 'model_runs'"
    ).fetchall() == [("It's the model.",)]
