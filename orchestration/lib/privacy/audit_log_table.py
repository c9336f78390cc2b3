"""The table ``privacy.audit_log``: the log as a run found it, and the head that the version vouches for.

Belongs here: writing the table. Does not: the log itself (`audit_log`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import duckdb
import pandas as pd

from orchestration.lib.privacy.audit_log import Entry
from orchestration.lib.sql_text import quoted_name


def load_audit_log(
    connection: duckdb.DuckDBPyConnection, entries: Sequence[Entry], columns: Mapping[str, str]
) -> int:
    """Write the table anew with the declared columns; return its rows."""
    rows = [
        {
            **vars(entry),
            # `at` is a word of SQL
            "logged_at": datetime.fromisoformat(entry.at).astimezone(UTC).replace(tzinfo=None),
            "details": json.dumps(dict(entry.details), sort_keys=True),
        }
        for entry in entries
    ]
    frame = pd.DataFrame(rows, columns=list(columns))  # noqa: F841 - DuckDB finds it by name
    ddl = ", ".join(f"{quoted_name(name)} {kind}" for name, kind in columns.items())
    connection.execute("create schema if not exists privacy")
    connection.execute(f"create or replace table privacy.audit_log ({ddl})")
    if rows:
        connection.execute("insert into privacy.audit_log by name from frame")
    return len(rows)
