"""What is asked of a scrub and what it answers: rows as delivered, decisions about them, results.

Belongs here: the seam between who decides (`erasure`) and who rewrites. Does not: either of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from orchestration.lib.contract import TableContract
from orchestration.lib.errors import InputError

Mask = NDArray[np.bool_]
Numbers = NDArray[np.int64]


class ScrubError(InputError):
    """A file that holds rows to be scrubbed can't be rewritten; the sentence says what to do."""


@dataclass(frozen=True)
class DeliveredRows:
    """The readable rows that a table has in one delivery, rejected ones included.

    ``rows`` has ``_row_number`` and every declared column as text: as the raw table holds it for
    columns of text, as delivered for others; NULL where the value is empty or the column is absent.
    ``source_file`` is the name that ``_source_file`` and the ledger have for the delivery.
    """

    table: TableContract
    source_file: str
    rows: pa.Table
    undeclared: tuple[str, ...] = ()


@dataclass(frozen=True)
class RowDecisions:
    """What becomes of the rows: a mask of those to delete, and masks of cells to empty by column.

    ``blank_undeclared`` marks rows whose columns that no contract declares are emptied too.
    """

    delete: Mask | None = None
    blank: Mapping[str, Mask] = field(default_factory=dict)
    blank_undeclared: Mask | None = None


Decide = Callable[[DeliveredRows], RowDecisions]


@dataclass
class ScrubResult:
    """What was done to one file.

    ``deleted`` names, for each table and delivery, the row numbers that are gone, where the numbers of
    the rows behind them move up: the new number is the old one less how many deleted ones are smaller.
    ``left`` counts identifiers in places that are no cell (a title, a header), which stayed.
    """

    path: Path
    rows_deleted: int = 0
    rows_blanked: int = 0
    cells_blanked: int = 0
    broken_deleted: int = 0
    left: int = 0
    is_rewritten: bool = False
    old_hash: str = ""
    new_hash: str = ""
    deleted: dict[tuple[str, str], Numbers] = field(default_factory=dict)
    emptied: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether anything has to be written."""
        return bool(self.rows_deleted or self.cells_blanked or self.broken_deleted)

    def renumbered(self, table: str, source_file: str, numbers: Numbers) -> Numbers:
        """Return the new row numbers of rows of a delivery that were kept."""
        gone = self.deleted.get((table, source_file), np.empty(0, np.int64))
        return numbers - np.searchsorted(gone, numbers, side="left")


@dataclass
class TableEdits:
    """The decisions about one table in one delivery, by row number and delivered column."""

    rows: DeliveredRows
    delete: frozenset[int]
    blank: dict[str, frozenset[int]]

    @property
    def table(self) -> TableContract:
        """The table."""
        return self.rows.table

    @property
    def touched(self) -> frozenset[int]:
        """All row numbers about which something was decided."""
        return self.delete.union(*self.blank.values())

    @property
    def is_idle(self) -> bool:
        """Whether nothing was decided."""
        return not self.touched


def touched_rows(edits: TableEdits) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield the rows about which something was decided, with their numbers."""
    numbers = edits.rows.rows["_row_number"].to_numpy()
    chosen = np.flatnonzero(np.isin(numbers, np.array(sorted(edits.touched), np.int64)))
    for row in edits.rows.rows.take(pa.array(chosen)).to_pylist():
        yield row["_row_number"], row


def not_aligned(edits: TableEdits, number: int, what: str) -> ScrubError:
    """Return the refusal of a file whose rows and bytes don't agree; no value is told."""
    return ScrubError(
        f"{edits.table.system}.{edits.table.name}: row {number} of {edits.rows.source_file} stands "
        f"elsewhere in its bytes than the reader says ({what}). Have the system export the file anew "
        "without these people."
    )
