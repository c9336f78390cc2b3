"""What an extract is: rows of a remote table in a file, with a hash of the rows in any order.

Belongs here: what databases and REST services have in common. Does not: asking either of them.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b, sha256
from pathlib import Path

from orchestration.lib.contract import ColumnContract, TableContract
from orchestration.lib.errors import InputError


@dataclass(frozen=True)
class CursorState:
    """How far the last published extract of a table came."""

    value: str
    address: str
    contract_sha256: str


@dataclass(frozen=True)
class Extract:
    """Rows of one remote table in a file that lives as long as the run.

    ``is_incremental`` says that the file holds only rows at or after the earlier cursor;
    ``cursor_value`` is the greatest cursor seen so far, None for a table without one.
    """

    path: Path
    name: str
    content_sha256: str
    row_count: int
    is_incremental: bool
    address: str
    cursor_value: str | None = None


class RowSetHash:
    """Hash of a multiset of rows: a server may give the same rows in another order."""

    def __init__(self, columns: Sequence[str] = ()) -> None:
        self.columns = tuple(columns)
        self._sum = 0
        self.row_count = 0

    def add(self, row_text: str) -> None:
        """Count one row in."""
        digest = blake2b(row_text.encode("utf-8", "surrogatepass"), digest_size=24).digest()
        self._sum += int.from_bytes(digest, "big")
        self.row_count += 1

    def add_all(self, columns: Sequence[Sequence[str | None]]) -> None:
        """Count in the rows of a chunk that is given by columns; an absent value is no empty text."""
        marked = [["\x00" if value is None else value for value in values] for values in columns]
        for row_text in map("\x1f".join, zip(*marked, strict=True)):
            self.add(row_text)

    def hexdigest(self) -> str:
        """Return the hash of the rows so far, hexadecimal."""
        parts = (*self.columns, str(self.row_count), str(self._sum))
        return sha256("\x1f".join(parts).encode()).hexdigest()


def latest_cursor(at: datetime) -> str:
    """Return the latest time that a cursor may take: a day ahead, for zones and clocks that differ."""
    return (at + timedelta(days=1)).isoformat(sep=" ", timespec="seconds")


def label_of(table: TableContract) -> str:
    """Name a table in a sentence."""
    return f"{table.system}.{table.name}"


def not_written(table: TableContract, folder: Path, error: OSError) -> InputError:
    """Return the refusal when the disk doesn't take the extract."""
    return InputError(
        f"{label_of(table)}: the extract can't be written to {folder} "
        f"({error.strerror or type(error).__name__}). Free space there, or move CADENCIA_HOME. Nothing "
        "of this run is published."
    )


def folded(name: str) -> str:
    """Return a name as the contract compares it: no case, no blanks around, no byte order mark."""
    return name.replace("\ufeff", "").replace("\u00a0", " ").strip().casefold()


def look_up(wanted: str, existing: Sequence[str]) -> str | None:
    """Return the existing name that is meant: the same spelling first, else the same but for case."""
    if wanted in existing:
        return wanted
    return next((name for name in existing if folded(name) == folded(wanted)), None)


def similar_to(wanted: str, existing: Sequence[str]) -> str:
    """Return a hint such as "Did you mean 'customers'? ", or nothing."""
    by_fold = {folded(name): name for name in existing}
    close = difflib.get_close_matches(folded(wanted), list(by_fold), n=1)
    return f"Did you mean '{by_fold[close[0]]}'? " if close else ""


def found_name(column: ColumnContract, existing: Sequence[str]) -> str | None:
    """Return the first of a column's accepted names that exists."""
    for accepted in column.accepted_names:
        found = look_up(accepted, existing)
        if found is not None:
            return found
    return None
