"""Values of a database as exact text, the form in which a file would deliver them.

Belongs here: which column types can be read and how a value is written. Does not: the contract's types.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects import mssql, mysql
from sqlalchemy.types import TypeEngine

BINARY_TYPES = (sa.LargeBinary, mssql.TIMESTAMP, mssql.SQL_VARIANT)


def is_binary(kind: TypeEngine[Any]) -> bool:
    """Whether the column holds bytes, which no contract type can take."""
    return isinstance(kind, BINARY_TYPES)


def _moment(value: dt.datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(dt.UTC)
    return value.isoformat(sep=" ")


def _bytes(value: bytes) -> str:
    """Decode text that a driver gave as bytes, for want of a declared encoding."""
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace")


def _structure(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=as_text)


WRITERS: dict[type, Callable[[Any], str]] = {
    str: lambda value: value,
    int: str,
    bool: lambda value: "true" if value else "false",
    float: repr,
    Decimal: lambda value: format(value, "f"),
    dt.datetime: _moment,
    dt.date: dt.date.isoformat,
    dt.time: dt.time.isoformat,
    dt.timedelta: str,
    UUID: str,
    bytes: _bytes,
    dict: _structure,
    list: _structure,
    tuple: _structure,
}


def as_text(value: object) -> str | None:
    """Return a driver's value as text: decimals exact, moments with a zone in UTC."""
    if value is None:
        return None
    writer = WRITERS.get(type(value))
    if writer is None:
        writer = next((w for kind, w in WRITERS.items() if isinstance(value, kind)), str)
    return writer(value)


def as_texts(
    values: Sequence[object], write: Callable[[object], str | None] = as_text
) -> list[str | None]:
    """Return a column's values as text; a column of one Python type, the rule, is written at once."""
    kinds = set(map(type, values)) - {type(None)}
    if write is as_text and kinds <= {str}:
        return list(values)  # type: ignore[arg-type]
    if write is as_text and len(kinds) == 1:
        write = WRITERS.get(kinds.pop(), as_text)
    return [None if value is None else write(value) for value in values]


def _bits(value: object) -> str | None:
    return str(int.from_bytes(value, "big")) if isinstance(value, bytes) else as_text(value)


def _utc_moment(value: object) -> str | None:
    return f"{value.isoformat(sep=' ')}+00:00" if isinstance(value, dt.datetime) else as_text(value)


def writer_of(kind: TypeEngine[Any]) -> Callable[[object], str | None]:
    """Return how values of a column are written.

    MySQL's TIMESTAMP is UTC in the session that `database.open_snapshot` opens, but comes without
    a zone; its BIT comes as bytes.
    """
    if isinstance(kind, mysql.TIMESTAMP):
        return _utc_moment
    if isinstance(kind, mysql.BIT):
        return _bits
    return as_text
