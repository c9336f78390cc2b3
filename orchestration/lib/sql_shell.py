"""`cadencia sql`: read-only queries on the published warehouse, once or at a prompt.

A query on the database with personal data is noted in the audit log before it runs.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.lib.connection import open_published
from orchestration.lib.errors import ConfigurationError, InputError
from orchestration.lib.privacy.audit_log import append, keyed_digest
from orchestration.settings import Settings

DATABASES = ("analytics", "crm")
FORMATS = ("table", "csv", "json")


def _cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:,.4f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def _print_table(relation: duckdb.DuckDBPyRelation, limit: int, console: Console) -> None:
    rows = relation.fetchmany(limit + 1)
    table = Table()
    for name, kind in zip(relation.columns, relation.types, strict=True):
        is_number = str(kind).startswith(
            ("BIGINT", "INTEGER", "HUGEINT", "DOUBLE", "DECIMAL", "FLOAT")
        )
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows[:limit]:
        table.add_row(*(_cell(value) for value in row))
    console.print(table)
    if len(rows) > limit:
        console.print(f"The first {limit} rows; see more with --limit, all with --format csv.")


def _run(
    connection: duckdb.DuckDBPyConnection, query: str, output: str, limit: int, console: Console
) -> None:
    try:
        relation = connection.sql(query)
        if relation is None:
            console.print("Done.")
        elif output == "table":
            _print_table(relation, limit, console)
        elif output == "csv":
            relation.df().to_csv(sys.stdout, index=False)
        else:
            records = json.loads(relation.df().to_json(orient="records", date_format="iso"))
            sys.stdout.write(json.dumps(records, ensure_ascii=False, indent=2) + "\n")
    except duckdb.Error as error:
        raise InputError(f"The query failed: {error}") from None


def _record(
    settings: Settings,
    database: str,
    connection: duckdb.DuckDBPyConnection,
    query: str,
    output: str,
) -> None:
    """Note a query on personal data: which tables, and a keyed digest, for its text may name people."""
    if database != "crm":
        return
    known = {
        f"{schema}.{table}"
        for schema, table in connection.execute(
            "select table_schema, table_name from information_schema.tables"
        ).fetchall()
    }
    try:
        tables = sorted(connection.get_table_names(query, qualified=True) & known)
    except duckdb.Error:
        tables = []
    append(
        settings.home,
        "sql_crm",
        {
            "query": keyed_digest(settings.home, "query", query.strip()),
            "tables": tables,
            "format": output,
        },
        now=datetime.now(UTC),
    )


def _check(database: str, output: str) -> None:
    if database not in DATABASES:
        raise ConfigurationError(f"--database is '{database}'; choose {' or '.join(DATABASES)}.")
    if output not in FORMATS:
        raise ConfigurationError(f"--format is '{output}'; choose {', '.join(FORMATS)}.")


def run_query(
    settings: Settings, database: str, query: str, output: str, limit: int, console: Console
) -> None:
    """Run one query and print its rows.

    Raises
    ------
    InputError
        When DuckDB refuses the query; its words follow.
    """
    _check(database, output)
    with open_published(settings.warehouse_dir / f"{database}.duckdb") as connection:
        _record(settings, database, connection, query, output)
        _run(connection, query, output, limit, console)


def run_shell(settings: Settings, database: str, output: str, limit: int, console: Console) -> None:
    """Read queries from the terminal (or a pipe) until end of file; a query ends with ``;``."""
    _check(database, output)
    with open_published(settings.warehouse_dir / f"{database}.duckdb") as connection:
        if sys.stdin.isatty():
            console.print(
                f"{database}.duckdb, read-only. End a query with ; and leave with Ctrl-D. "
                "`show all tables;` lists what there is."
            )
        buffer: list[str] = []
        while True:
            try:
                line = input("" if not sys.stdin.isatty() else "… " if buffer else "cadencia> ")
            except EOFError:
                break
            buffer.append(line)
            if line.rstrip().endswith(";"):
                query, buffer = "\n".join(buffer), []
                try:
                    _record(settings, database, connection, query, output)
                    _run(connection, query, output, limit, console)
                except InputError as error:
                    console.print(str(error), style="red", markup=False)
        if any(line.strip() for line in buffer):
            _record(settings, database, connection, "\n".join(buffer), output)
            _run(connection, "\n".join(buffer), output, limit, console)
