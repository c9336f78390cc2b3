"""A labelled file, checked and taken apart: records without any truth for the resolvers, truth for us.

Belongs here: reading Parquet and CSV, the checks, neutral ids. Does not: roles (`roles`) or running.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from benchmarks.identity.roles import guess_map, parse_map

_ENCODINGS = ("utf-8", "latin-1")
# No column of a file is called so.
_NUMBER = '"number drawn for the benchmark"'


class LabelledFileError(ValueError):
    """The file can't be used; the sentence names file and column and says what to do."""


@dataclass(frozen=True)
class LabelledRecords:
    """What was made of the file.

    Attributes
    ----------
    records : Path
        Parquet: `record_id` (a number drawn at random, so that neither ids nor the order of the rows
        tell anything) and the mapped columns as text.
    truth : Path
        Parquet: `record_id`, `original_id`, `truth`, `household_truth` (null where not asked for).
    fields : dict
        Columns of `records` by role.
    origins : dict
        Column of the file by column of `records`.
    left_out : tuple of str
        Columns of the file that are not compared.
    count : int
        Records.
    unlabelled : int
        Records without a truth: resolved with the others, not scored.
    """

    records: Path
    truth: Path
    fields: dict[str, list[str]]
    origins: dict[str, str]
    left_out: tuple[str, ...]
    count: int
    unlabelled: int


def prepare(
    file: Path,
    *,
    id_column: str,
    truth_column: str,
    household_column: str | None,
    mapping: Sequence[str],
    folder: Path,
    seed: int,
) -> LabelledRecords:
    """Check the file and write records and truth apart.

    Parameters
    ----------
    file : Path
        Parquet, or CSV/TSV with a header, compressed or not.
    id_column, truth_column, household_column : str
        Its columns; the household is optional.
    mapping : sequence of str
        Texts of --map; empty to guess.
    folder : Path
        Where both files go.
    seed : int
        For the numbers that stand in for ids.

    Raises
    ------
    LabelledFileError
        When the file can't be read, a column is missing, or ids are null or occur twice.
    MappingError
        When the mapping names a column that the file doesn't have.
    """
    with duckdb.connect() as connection:
        types = _open(connection, file)
        columns = list(types)
        labels = [id_column, truth_column, *([household_column] if household_column else [])]
        for column in labels:
            if column not in columns:
                raise LabelledFileError(
                    f"{file}: there is no column '{column}'; it has {', '.join(columns)}."
                )
        _check_ids(connection, file, id_column)
        candidates = [column for column in columns if column not in labels]
        left_out: list[str] = []
        if mapping:
            chosen = parse_map(mapping, candidates)
            taken = {column for found in chosen.values() for column in found}
            left_out = [column for column in candidates if column not in taken]
        else:
            chosen, left_out = guess_map(candidates)
        fields, origins = _renamed(chosen)
        records, truth = folder / "records.parquet", folder / "truth.parquet"
        connection.execute(
            f"""create temp table numbered as
            select
                row_number() over (order by hash({_quoted(id_column)}::varchar || ' {seed}'),
                    {_quoted(id_column)}) as {_NUMBER},
                *
            from delivered"""
        )
        values = ", ".join(
            f"{_text(column, types[column])} as {_quoted(name)}" for name, column in origins.items()
        )
        connection.execute(
            f"copy (select {_NUMBER} as record_id, {values} from numbered order by {_NUMBER}) "
            f"to '{records}'"
        )
        household = f"{_quoted(household_column)}::varchar" if household_column else "null"
        connection.execute(
            f"""copy (
                select
                    {_NUMBER} as record_id,
                    {_quoted(id_column)}::varchar as original_id,
                    nullif(trim({_quoted(truth_column)}::varchar), '') as truth,
                    nullif(trim({household}), '') as household_truth,
                from numbered
            ) to '{truth}'"""
        )
        count, unlabelled = connection.execute(
            f"select count(*), count(*) filter (truth is null) from '{truth}'"
        ).fetchall()[0]
    if count == unlabelled:
        raise LabelledFileError(
            f"{file}: column '{truth_column}' is empty in all {count:,} rows; name the column that "
            "holds the true entity."
        )
    return LabelledRecords(
        records=records,
        truth=truth,
        fields=fields,
        origins=origins,
        left_out=tuple(left_out),
        count=count,
        unlabelled=unlabelled,
    )


def _open(connection: duckdb.DuckDBPyConnection, file: Path) -> dict[str, str]:
    """Open the file as the view `delivered`; return its columns and their types."""
    if not file.is_file():
        raise LabelledFileError(f"{file}: there is no such file.")
    path = str(file).replace("'", "''")
    is_text = bool({ending.lower() for ending in file.suffixes} & {".csv", ".tsv", ".txt"})
    readers = [f"read_parquet('{path}')"]
    if is_text:
        options = "all_varchar = true, header = true, sample_size = -1"
        # UTF-8 first; what isn't is most often of western Europe
        readers = [f"read_csv('{path}', {options}, encoding = '{name}')" for name in _ENCODINGS]
    problem = ""
    for reader in readers:
        try:
            connection.execute(f"create or replace view delivered as select * from {reader}")
            connection.execute("select count(columns(*)) from delivered").fetchall()
            described = connection.execute("describe delivered").fetchall()
        except duckdb.Error as error:
            problem = problem or str(error).splitlines()[0]
        else:
            return {row[0]: row[1] for row in described}
    raise LabelledFileError(
        f"{file}: can't be read as {'CSV' if is_text else 'Parquet'} ({problem})."
    )


def _check_ids(connection: duckdb.DuckDBPyConnection, file: Path, column: str) -> None:
    rows, filled, distinct = connection.execute(
        f"select count(*), count({_quoted(column)}), count(distinct {_quoted(column)}) from delivered"
    ).fetchall()[0]
    if not rows:
        raise LabelledFileError(f"{file}: there are no rows.")
    if filled < rows:
        raise LabelledFileError(
            f"{file}: column '{column}' is null in {rows - filled:,} of {rows:,} rows; every record "
            "needs an id."
        )
    if distinct < rows:
        raise LabelledFileError(
            f"{file}: column '{column}' repeats in {rows - distinct:,} of {rows:,} rows; ids must be "
            "unique. Did you mean another column?"
        )


def _renamed(chosen: Mapping[str, Sequence[str]]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Name the columns by role, so that no name of a file can clash with a name of a resolver."""
    fields: dict[str, list[str]] = {}
    origins: dict[str, str] = {}
    for role, columns in chosen.items():
        for number, column in enumerate(columns, start=1):
            name = role if len(columns) == 1 else f"{role}_{number}"
            origins[name] = column
            fields.setdefault(role, []).append(name)
    return fields, origins


def _text(column: str, column_type: str) -> str:
    """Return a column as text, null when blank: whole numbers lose the `.0` that a null gave them."""
    name = _quoted(column)
    text = f"{name}::varchar"
    if column_type in ("DOUBLE", "FLOAT"):
        text = f"if({name} = trunc({name}), {name}::hugeint::varchar, {text})"
    elif column_type.startswith("TIMESTAMP"):
        text = f"if({name} = date_trunc('day', {name}), {name}::date::varchar, {text})"
    return f"nullif(trim({text}), '')"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
