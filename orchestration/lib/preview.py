"""A few rows of a table for the Dagster UI, without personal data: an allow-list by data class."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any

import duckdb
import pandas as pd

from orchestration.lib.privacy.registry import declared_class

PREVIEW_ROWS = 5
PREVIEW_COLUMNS = 12


def markdown_table(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    """Return a Markdown table."""

    def cell(value: object) -> str:
        is_unknown = value is None or value is pd.NA
        text = f"{value:.4g}" if isinstance(value, float) else "" if is_unknown else str(value)
        return text.replace("|", "\\|").replace("\n", " ")[:60]

    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    lines += [f"| {' | '.join(cell(value) for value in row)} |" for row in rows]
    return "\n".join(lines)


def preview_markdown(connection: duckdb.DuckDBPyConnection, node: Mapping[str, Any]) -> str:
    """Return the first rows of a dbt node's table; only columns of class ``none``, else nothing."""
    harmless = (
        name
        for name, column in node["columns"].items()
        if (found := declared_class(column)) is not None and found.data_class == "none"
    )
    columns = list(islice(harmless, PREVIEW_COLUMNS))
    if not columns:
        return ""
    names = ", ".join(f'"{name}"' for name in columns)
    rows = connection.execute(
        f'select {names} from "{node["schema"]}"."{node["alias"]}" limit {PREVIEW_ROWS}'
    ).fetchall()
    return markdown_table(columns, rows)
