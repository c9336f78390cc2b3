"""Parquet, nested columns included. Nothing of other formats."""

from __future__ import annotations

import duckdb
from duckdb.sqltypes import DuckDBPyType

from orchestration.lib.errors import InputError
from orchestration.lib.ingest.headers import normal_name
from orchestration.lib.ingest.paths import nested_sql
from orchestration.lib.ingest.staging import DELIVERED, Source, Staged, reset_staging
from orchestration.lib.sql_text import quoted_name, quoted_text


def unreadable(source: Source, what: str, error: duckdb.Error) -> InputError:
    """Return the refusal of a file that is not what it should be; no value of it is told."""
    kind = type(error).__name__.removesuffix("Exception")
    first_line = str(error).splitlines()[0]
    detail = first_line if source.shown in first_line or "magic" in first_line else kind
    table = source.table
    return InputError(
        f"{table.system}.{table.name}: the file {source.shown} can't be read as {what} ({detail}). "
        "Deliver it again."
    )


def nested_columns(source: Source, types: dict[str, DuckDBPyType]) -> dict[str, str]:
    """Return SQL for each declared path that is no column itself but leads into one."""
    names = {normal_name(name) for name in types}
    found: dict[str, str] = {}
    for column in source.table.columns:
        for path in column.accepted_names:
            if normal_name(path) in names:
                break
            expression = nested_sql(path, types)
            if expression:
                found[path] = expression
                break
    return found


def stage_parquet(source: Source) -> Staged:
    """Make the view ``_delivered`` over the file.

    Raises
    ------
    InputError
        When the file is no Parquet.
    """
    connection = source.connection
    reset_staging(connection)
    file = quoted_text(str(source.path))
    try:
        relation = connection.sql(f"select * from read_parquet({file})")
    except duckdb.Error as error:
        raise unreadable(source, "Parquet", error) from None
    types = dict(zip(relation.columns, relation.types, strict=True))
    nested = nested_columns(source, types)
    fields = ", ".join(
        [
            *(quoted_name(name) for name in types),
            *(f"{expression} as {quoted_name(path)}" for path, expression in nested.items()),
        ]
    )
    connection.execute(
        f"""create temp view {DELIVERED} as
        select {fields}, file_row_number + 1 as _row_number
        from read_parquet({file}, file_row_number = true)"""
    )
    accepted = {normal_name(each) for c in source.table.columns for each in c.accepted_names}
    declared = [*(name for name in types if normal_name(name) in accepted), *nested]
    packed = ", ".join(f"{quoted_name(each)} := delivered.{quoted_name(each)}" for each in declared)
    return Staged(
        (*types, *nested), raw_line=f"to_json(struct_pack({packed}))" if packed else "null"
    )
