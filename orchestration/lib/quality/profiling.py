"""Profile the rows of one raw table per delivered batch: two set-based queries a table.

Belongs here: the SQL. Does not: which batches are new, or what a change means (`source_profiles`).
Values of personal columns never leave the database: of those only counts, lengths and patterns do.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from ml.quality import PROBABILITIES
from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.sql_text import quoted_name, quoted_text

SAMPLE_ROWS = 2_000
"""Rows per batch for quantiles and patterns: a share is then known to about one point."""
FEW_VALUES = 30
"""A column with at most so many values is a list of codes, whose mix is worth keeping."""
LONGEST_SHOWN = 40
"""Longer texts are prose, which may name a person whatever its column is declared as."""
SMALLEST_GROUP = 100
"""Rows from which quantiles of a quasi-identifier say nothing of one person."""
NUMBERS = ("bigint", "integer", "double", "decimal")
PATTERN_LENGTH = 40


def _is_number(column: ColumnContract) -> bool:
    return column.data_type.startswith(NUMBERS)


def _is_text(column: ColumnContract) -> bool:
    return column.data_type == "varchar"


def _measures(column: ColumnContract, is_exact: bool) -> str:
    """Return one SQL struct of what is measured of a column; what its data class forbids is NULL."""
    name = f"held.{quoted_name(column.name)}"
    text = f"cast({name} as varchar)"
    is_public = column.data_class == "none"
    short = f"max(length({text})) <= {LONGEST_SHOWN}" if _is_text(column) else "true"
    extremes = {
        end: f"case when {short} then cast({end}({name}) as varchar) end" for end in ("min", "max")
    }
    may_average = _is_number(column) and column.data_class in ("none", "quasi_identifier")
    nothing, no_number = "cast(null as varchar)", "cast(null as double)"
    probabilities = ", ".join(str(probability) for probability in PROBABILITIES)
    quantiles = f"quantile_cont(case when is_sampled then try_cast({name} as double) end, [{probabilities}])"
    if may_average and not is_public:
        quantiles = f"case when count({name}) >= {SMALLEST_GROUP} then {quantiles} end"
    parts = {
        "filled": f"count({name})",
        "distinct_count": f"count(distinct {name})"
        if is_exact
        else f"least(approx_count_distinct({name}), count({name}))",
        "minimum": extremes["min"] if is_public else nothing,
        "maximum": extremes["max"] if is_public else nothing,
        "mean": f"round(avg(try_cast({name} as double)), 6)" if may_average else no_number,
        "quantiles": quantiles if may_average else "cast(null as double[])",
        "shortest": f"min(length({text}))" if _is_text(column) else "cast(null as bigint)",
        "longest": f"max(length({text}))" if _is_text(column) else "cast(null as bigint)",
    }
    return ", ".join(f"{part} := {expression}" for part, expression in parts.items())


def _held(table: TableContract, steps: Mapping[str, int]) -> str:
    """Return SQL of the batches' rows with ``is_sampled``: every n-th row of the file."""
    batches = ", ".join(f"({quoted_text(batch)}, {step})" for batch, step in steps.items())
    return f"""(
        select raw_rows.*, raw_rows._row_number % batches.step = 0 as is_sampled
        from {table.relation} as raw_rows
        inner join (values {batches}) as batches (batch_id, step)
            on raw_rows._batch_id = batches.batch_id
    )"""


def sample_steps(
    connection: duckdb.DuckDBPyConnection, table: TableContract, batch_ids: Sequence[str]
) -> dict[str, int]:
    """Return for each batch that still holds rows: every how many rows one is sampled."""
    rows = connection.execute(
        f"""select _batch_id, count(*) from {table.relation}
        where list_contains(cast(? as varchar[]), _batch_id) group by _batch_id order by _batch_id""",
        [list(batch_ids)],
    ).fetchall()
    return {batch: max(1, -(-count // SAMPLE_ROWS)) for batch, count in rows}


def profile_table(
    connection: duckdb.DuckDBPyConnection, table: TableContract, steps: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Return one profile per batch of ``steps`` and declared column.

    Parameters
    ----------
    connection
        The working copy.
    table
        The raw table.
    steps
        Batches and their sampling steps (`sample_steps`).
    """
    if not steps:
        return []
    columns = list(table.columns)
    measured = [
        row
        # Small batches are counted one by one; each batch alone decides, so that its profile does
        # not depend on what else is new.
        for is_exact in (True, False)
        for row in _measure(
            connection,
            table,
            {batch: step for batch, step in steps.items() if (step == 1) == is_exact},
            is_exact,
        )
    ]
    formats = _formats(connection, table, steps)
    profiles: list[dict[str, Any]] = []
    for batch, rows, sampled, *structured in measured:
        for column, measures in zip(columns, structured, strict=True):
            quantiles = measures.pop("quantiles")
            filled = measures.pop("filled")
            profiles.append(
                {
                    "batch_id": batch,
                    "column_name": column.name,
                    "data_type": column.data_type,
                    "data_class": column.data_class,
                    "rows": rows,
                    "rows_sampled": sampled,
                    "sample": "all rows" if steps[batch] == 1 else f"one row in {steps[batch]}",
                    "nulls": rows - filled,
                    "null_share": (rows - filled) / rows,
                    "quantiles": json.dumps([round(value, 6) for value in quantiles])
                    if quantiles and quantiles[0] is not None
                    else None,
                    **measures,
                    **formats.get((batch, column.name), {}),
                }
            )
    return profiles


def _measure(
    connection: duckdb.DuckDBPyConnection,
    table: TableContract,
    steps: Mapping[str, int],
    is_exact: bool,
) -> list[tuple[Any, ...]]:
    """Return per batch: its id, rows, sampled rows, and one struct of measures per column."""
    if not steps:
        return []
    structs = ", ".join(
        f"struct_pack({_measures(column, is_exact)}) as measured_{position}"
        for position, column in enumerate(table.columns)
    )
    rows: list[tuple[Any, ...]] = connection.execute(
        f"""select _batch_id, count(*), count(*) filter (where is_sampled), {structs}
        from {_held(table, steps)} as held group by _batch_id order by _batch_id"""
    ).fetchall()
    return rows


def _formats(
    connection: duckdb.DuckDBPyConnection, table: TableContract, steps: Mapping[str, int]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Return leading pattern and, of codes without personal meaning, the mix of values."""
    texts = [column for column in table.columns if _is_text(column)]
    if not texts:
        return {}
    names = ", ".join(quoted_name(column.name) for column in texts)
    codes = [
        column.name
        for column in texts
        if column.data_class == "none" and column.name not in table.primary_key
    ]
    found = connection.execute(
        f"""with sampled as (
            select _batch_id, {names} from {_held(table, steps)} as held where is_sampled
        ),
        long as (
            unpivot sampled on {names} into name _column_name value _value
        ),
        counted as (
            select _batch_id, _column_name, _value, count(*) as times
            from long group by _batch_id, _column_name, _value
        ),
        patterned as (
            select _batch_id, _column_name, sum(times) as times,
                left(regexp_replace(regexp_replace(_value, '[0-9]', '9', 'g'), '\\p{{L}}+', 'A', 'g'),
                    {PATTERN_LENGTH}) as pattern
            from counted group by _batch_id, _column_name, pattern
        ),
        leaders as (
            select _batch_id, _column_name, arg_max(pattern, (times, pattern)) as pattern,
                max(times) / sum(times) as pattern_share
            from patterned group by _batch_id, _column_name
        ),
        codes as (
            select _batch_id, _column_name,
                list(struct_pack(value := _value, times := times) order by times desc, _value) as mix
            from counted where list_contains(cast(? as varchar[]), _column_name)
            group by _batch_id, _column_name having count(*) <= {FEW_VALUES}
                and max(length(_value)) <= {LONGEST_SHOWN}
        )
        select leaders.*, codes.mix
        from leaders left join codes using (_batch_id, _column_name)""",
        [codes],
    ).fetchall()
    return {
        (batch, column): {
            "pattern": pattern,
            "pattern_share": float(share),
            "common_values": _shares(mix),
        }
        for batch, column, pattern, share, mix in found
    }


def _shares(mix: Sequence[Mapping[str, Any]] | None) -> str | None:
    if not mix:
        return None
    total = sum(entry["times"] for entry in mix)
    return json.dumps(
        {entry["value"]: round(entry["times"] / total, 6) for entry in mix}, ensure_ascii=False
    )
