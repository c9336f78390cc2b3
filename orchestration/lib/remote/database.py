"""Open a source database for reading: one connection, one snapshot, errors as sentences.

Belongs here: connecting, isolation, what differs between databases. Does not: what is extracted.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from psycopg.types.string import TextLoader
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from orchestration.lib.errors import InputError
from orchestration.lib.remote.address import (
    place_of,
    secrets_of,
    variable_of,
    without_secrets,
)

CONNECT_TIMEOUT_SECONDS = 10
READ_TIMEOUT_SECONDS = 600
LOCK_TIMEOUT_SECONDS = 300
WAITS_SECONDS = (1.0, 4.0)
"""Pauses between attempts to connect; an extract that began is never taken up again."""

# Asking again would not help, and a wrong password asked thrice may lock the account.
REFUSED = (
    "authentication failed",
    "access denied",
    "login failed",
    "no password supplied",
    "does not exist",
    "unknown database",
    "cannot open database",
    "no pg_hba.conf entry",
    "not a database",
)
CONNECT_OPTIONS: dict[str, dict[str, Any]] = {
    "postgresql": {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "keepalives_idle": 30,
        "keepalives_interval": 10,
        "keepalives_count": 6,
        "application_name": "cadencia",
    },
    "mysql": {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "read_timeout": READ_TIMEOUT_SECONDS,
        "charset": "utf8mb4",
    },
    "mssql": {"login_timeout": CONNECT_TIMEOUT_SECONDS, "timeout": READ_TIMEOUT_SECONDS},
}
CONNECT_OPTIONS["mariadb"] = CONNECT_OPTIONS["mysql"]

# Text as the server writes it: exact, without Python's limits (a date of 'infinity', the year 20000).
POSTGRESQL_TEXT_TYPES = (
    "date", "time", "timetz", "timestamp", "timestamptz", "interval", "numeric", "json", "jsonb",
)  # fmt: skip


def _decoded(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def _open_sqlite(path: Path) -> sqlite3.Connection:
    """Open a SQLite file read-only; opening it plainly would make a missing one."""
    opened = sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None, timeout=10
    )
    opened.text_factory = _decoded
    return opened


def make_engine(url: URL) -> sa.Engine:
    """Return an engine that keeps no connection and waits for none for long."""
    backend = url.get_backend_name()
    if backend == "sqlite":
        path = Path(url.database or "")
        return sa.create_engine(url, poolclass=NullPool, creator=lambda: _open_sqlite(path))
    options = {
        name: value for name, value in CONNECT_OPTIONS[backend].items() if name not in url.query
    }
    return sa.create_engine(url, poolclass=NullPool, connect_args=options, hide_parameters=True)


def _is_refusal(error: Exception) -> bool:
    text = str(getattr(error, "orig", error)).lower()
    return any(part in text for part in REFUSED)


def _connect(
    system: str,
    url: URL,
    engine: sa.Engine,
    sleep: Callable[[float], None],
    waits_seconds: Sequence[float],
) -> sa.Connection:
    """Open a connection, with patience for a server that starts or a network that stumbles."""
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise InputError(
            f"{system}: there is no SQLite file at {url.database}. Put it there, or set "
            f"{variable_of(system)} to the database's URL."
        )
    waits = list(waits_seconds)
    while True:
        try:
            return engine.connect()
        except (SQLAlchemyError, OSError) as error:
            if waits and not _is_refusal(error):
                sleep(waits.pop(0))
                continue
            said = without_secrets(str(getattr(error, "orig", error)), secrets_of(url))
            raise InputError(
                f"{system}: can't connect to the {place_of(url)}: {said.rstrip('.')}. Check that it "
                f"is up and that {variable_of(system)} has the right host, port, user and password."
            ) from None


def _begin_snapshot(connection: sa.Connection) -> sa.Connection:
    """Begin the one transaction of the extract, so that tables agree with each other."""
    name = connection.dialect.name
    if name == "sqlite":
        connection.exec_driver_sql("begin")
    elif name == "postgresql":
        connection = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        driver = connection.connection.driver_connection
        for kind in POSTGRESQL_TEXT_TYPES:
            driver.adapters.register_loader(kind, TextLoader)  # type: ignore[union-attr]
        connection.exec_driver_sql("set time zone 'UTC'")
        connection.exec_driver_sql("set datestyle to iso, ymd")
        connection.exec_driver_sql(f"set lock_timeout to '{LOCK_TIMEOUT_SECONDS}s'")
    elif name in ("mysql", "mariadb"):
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        connection.exec_driver_sql("set session transaction read only")
        connection.exec_driver_sql("set session time_zone = '+00:00'")
        connection.exec_driver_sql(f"set session lock_wait_timeout = {LOCK_TIMEOUT_SECONDS}")
        connection.rollback()
    elif name == "mssql":
        is_versioned = connection.exec_driver_sql(
            "select snapshot_isolation_state from sys.databases where database_id = db_id()"
        ).scalar()
        connection.exec_driver_sql(f"set lock_timeout {LOCK_TIMEOUT_SECONDS * 1000}")
        connection.rollback()
        # Repeatable read would lock what it reads on a server that people work with.
        level = "SNAPSHOT" if is_versioned == 1 else "READ COMMITTED"
        connection = connection.execution_options(isolation_level=level)
    return connection


@contextmanager
def open_snapshot(
    system: str,
    url: URL,
    sleep: Callable[[float], None] = time.sleep,
    waits_seconds: Sequence[float] = WAITS_SECONDS,
) -> Iterator[sa.Connection]:
    """Open the database at one moment in time, read-only; nothing is written there.

    Raises
    ------
    InputError
        When it can't be reached or lets nobody in; never with the password.
    """
    engine = make_engine(url)
    try:
        connection = _connect(system, url, engine, sleep, waits_seconds)
        try:
            try:
                snapshot = _begin_snapshot(connection)
            except DBAPIError as error:
                raise InputError(
                    f"{system}: the {place_of(url)} lets nobody read a snapshot ({told(error)}). "
                    "Check the user's rights and the server."
                ) from None
            yield snapshot
        finally:
            # A connection that was cut can't be closed properly, and that is no news.
            with suppress(Exception):
                connection.close()
    finally:
        engine.dispose()


def told(error: DBAPIError) -> str:
    """Name what the database said without its message, which may quote a row."""
    original = error.orig
    code = getattr(original, "sqlstate", None)
    arguments = getattr(original, "args", ())
    if code is None and arguments and isinstance(arguments[0], int):
        code = arguments[0]
    return type(original).__name__ + (f", code {code}" if code is not None else "")
