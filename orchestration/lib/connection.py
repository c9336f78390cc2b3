"""The one way to open a warehouse file.

dbt and our own code share a file in one process; DuckDB refuses a second connection with another
configuration, so nobody else calls ``duckdb.connect`` on a warehouse. No SQL of the domain in here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from orchestration.lib.errors import ConfigurationError
from orchestration.lib.redaction import redact


@contextmanager
def open_for_writing(
    path: Path, *, threads: int = 2, memory_limit: str = "6GB"
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a working copy for reading and writing, as dbt-duckdb opens it, and close it after use.

    Limits are ``SET`` after opening, never passed as configuration: dbt opens the same file with an
    empty configuration. An error about a value leaves without the value.
    """
    connection = duckdb.connect(str(path), read_only=False, config={})
    try:
        connection.execute(f"set threads = {threads}")
        connection.execute(f"set memory_limit = '{memory_limit}'")
        connection.execute("set timezone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        # Closing writes everything into the file; to do so every 16 MB besides costs seconds each time.
        connection.execute("set checkpoint_threshold = '1GB'")
        yield connection
    except duckdb.Error as error:
        told = redact(str(error))
        if told == str(error):
            raise
        # Dagster stores the message: no value of the data may be in it, nor in what it came from.
        raise type(error)(told) from None
    finally:
        connection.close()


@contextmanager
def open_published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a published file read-only, by its real path so that a later publish can't swap it.

    Raises
    ------
    ConfigurationError
        When nothing has been published yet.
    """
    if not path.exists():
        raise ConfigurationError(
            f"There is no published warehouse at {path}. Run `cadencia run` (or `make demo`) first."
        )
    connection = duckdb.connect(str(path.resolve()), read_only=True)
    try:
        # The analyst's SQL may read the warehouse, not the file system around it.
        connection.execute("set enable_external_access = false")
        yield connection
    finally:
        connection.close()
