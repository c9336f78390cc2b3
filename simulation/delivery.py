"""What every system's writer needs: the market, where files go, what period they are of, and row faults.

Belongs here: the common ground of the writers. Does not: any system's layout.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from simulation import faults
from simulation.config import SimulationConfig
from simulation.draws import file_draw, hashed, uniform
from simulation.faults import FaultConfig
from simulation.files import STRAY_DELIMITER, STRAY_QUOTE, Landing, TextLayout
from simulation.frames import Market, Slice
from simulation.members import Members
from simulation.person_faults import PersonLayout, PersonRecords
from simulation.truth import Truth

ONE_DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class Period:
    """The time a delivery is about: a month of the history or a day of a continuation."""

    starts_on: date
    ends_on: date
    is_daily: bool
    is_first: bool

    @property
    def last_day(self) -> date:
        """The last day of the period, which is the day of delivery."""
        return self.ends_on - ONE_DAY

    @property
    def stamp(self) -> str:
        """The day of delivery as YYYYMMDD."""
        return f"{self.last_day:%Y%m%d}"

    @property
    def label(self) -> str:
        """YYYY-MM of a month, YYYY-MM-DD of a day."""
        return f"{self.starts_on:%Y-%m-%d}" if self.is_daily else f"{self.starts_on:%Y-%m}"

    @property
    def ends_at(self) -> np.datetime64:
        """The first moment after the period."""
        return np.datetime64(self.ends_on, "us")

    @property
    def starts_at(self) -> np.datetime64:
        """The first moment of the period."""
        return np.datetime64(self.starts_on, "us")

    @property
    def exported_at(self) -> datetime:
        """When the systems export: in the night after the period."""
        return datetime(self.ends_on.year, self.ends_on.month, self.ends_on.day, 2, 0)


class SystemWriter(ABC):
    """A system that delivers its files of each period; `write` is all that most need.

    Parameters
    ----------
    desk
        The common ground of the writers.
    """

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    @abstractmethod
    def write(self, happened: Slice, period: Period) -> None:
        """Deliver the files of a period."""

    def state(self) -> Mapping[str, pd.DataFrame]:
        """Return what a later process needs to go on."""
        return {}

    # Hooks, not abstract: most systems have nothing to do there.
    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:  # noqa: B027
        """Take up the state of an earlier process."""

    def finish(self) -> None:  # noqa: B027
        """Deliver what grew over all periods."""

    def abandon(self) -> None:  # noqa: B027
        """Drop what was not finished."""


@dataclass
class Desk:
    """The common ground of the writers of one run.

    Parameters
    ----------
    config
        The market's configuration: its seed and the length of its history.
    market
        People and offers.
    landing
        Where files go.
    truth
        Where planted faults and identities are noted.
    members
        Who is a customer of which system, as of the period being written.
    rates
        How often which fault occurs.
    simulated_until
        First day that nothing has been written of.
    """

    config: SimulationConfig
    market: Market
    landing: Landing
    truth: Truth
    members: Members
    rates: FaultConfig
    simulated_until: date

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The DuckDB connection that writes files."""
        return self.landing.connection

    @property
    def history_ends_on(self) -> date:
        """First day after the history."""
        return self.config.start + timedelta(days=self.config.days)

    def records(self, layout: PersonLayout) -> PersonRecords:
        """Return the people as a system holds them."""
        rates = self.rates.person[layout.system.partition(".")[0]]
        return PersonRecords(self.market.people, layout, rates, self.config.seed)

    def register(self, **frames: pd.DataFrame | pa.Table) -> None:
        """Make frames known to SQL under their names."""
        for name, frame in frames.items():
            table = frame if isinstance(frame, pa.Table) else as_arrow(frame)
            self.connection.register(name, table)

    def layout(self, system: str, name: str, layout: TextLayout) -> TextLayout:
        """Return a text layout, with a byte order mark or Windows line ends here and there."""
        files = self.rates.files
        draw = file_draw(self.config.seed, system, name, "dialect")
        is_unicode = layout.encoding == "utf-8"
        return TextLayout(
            delimiter=layout.delimiter,
            encoding=layout.encoding,
            line_ending="\r\n" if draw < files.windows_line_ends else layout.line_ending,
            has_bom=layout.has_bom or (is_unicode and 1 - draw < files.byte_order_mark),
        )

    def repeat_now_and_then(self, system: str, table: str, name: str, period: Period) -> None:
        """Deliver a file of the history twice, the second time under another name."""
        draw = file_draw(self.config.seed, system, name, faults.DUPLICATED_FILE)
        if period.is_daily or draw >= self.rates.files.duplicated_file:
            return
        stem, dot, suffixes = name.partition(".")
        other = f"{stem}_reenvio{dot}{suffixes}"
        self.landing.repeat(system, name, other)
        self.truth.plant_in_file(
            system, table, other, faults.DUPLICATED_FILE, true_value=name, delivered_value=other
        )

    def late_day(self, system: str, name: str, period: Period) -> date | None:
        """Return the later day on which a part of a file's rows arrives, if this file is late."""
        draw = file_draw(self.config.seed, system, name, faults.LATE_FILE)
        day = period.ends_on + timedelta(days=9 + int(draw * 1e6) % 10)
        is_late = draw < self.rates.files.late_file and not period.is_daily
        return day if is_late and day < self.history_ends_on else None

    def rows_hit(self, kind: str, system: str, table: str, ids: NDArray[Any]) -> NDArray[np.intp]:
        """Return the rows of a file that a row fault hits; small files are spared damage.

        A damaged row is rejected, and one in twenty rejected would rightly stop the ingestion.
        """
        files = self.rates.files
        rate = files.damaged_row if kind == faults.DAMAGED_ROW else files.duplicated_row
        if kind == faults.DAMAGED_ROW and len(ids) < files.rows_for_damage:
            return np.empty(0, dtype=np.intp)
        return np.flatnonzero(uniform(ids, self.config.seed, system, table, kind) < rate)

    def bits(self, system: str, table: str, ids: NDArray[Any]) -> list[int]:
        """Return random bits that decide how each row is damaged."""
        bits: list[int] = hashed(ids, self.config.seed, system, table, "damage").tolist()
        return bits


def as_arrow(frame: pd.DataFrame) -> pa.Table:
    """Return a frame as an Arrow table that DuckDB scans without copying."""
    return pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)


def row_hits(
    rows: NDArray[np.intp],
    field: str,
    kind: str,
    true_values: Sequence[str] | NDArray[Any],
    delivered_values: Sequence[str] | NDArray[Any],
) -> pd.DataFrame:
    """Return faults of rows in the form `Truth.plant` takes."""
    return pd.DataFrame(
        {
            "row": rows,
            "field": field,
            "fault_kind": kind,
            "true_value": true_values,
            "delivered_value": delivered_values,
        }
    )


def visible(value: str, delimiter: str) -> str:
    """Return a text with stand-in characters as the bytes they become."""
    return value.replace(STRAY_DELIMITER, delimiter).replace(STRAY_QUOTE, '"')


def with_letter_in_number(value: str, bits: int) -> str:
    """Write the letter O or l for a digit of a number or time."""
    digits = [at for at, char in enumerate(value) if char.isdigit()]
    at = digits[bits % len(digits)]
    return f"{value[:at]}{'Ol'[(bits >> 8) % 2]}{value[at + 1 :]}"


def with_extra_delimiter(value: str, bits: int) -> str:
    """Put a bare delimiter into a text, which shifts the fields behind it."""
    at = len(value) // 2
    return f"{value[:at]}{STRAY_DELIMITER}{value[at:]}"


def with_broken_quotes(value: str, bits: int) -> str:
    """Quote the beginning of a text only, so that text follows the closing quote."""
    at = max(1, len(value) // 2)
    return f"{STRAY_QUOTE}{value[:at]}{STRAY_QUOTE}{value[at:]}"


def only_where(
    condition: NDArray[np.bool_], values: Sequence[Any] | NDArray[Any] | pd.Series[Any]
) -> NDArray[Any]:
    """Return values where a condition holds, None elsewhere."""
    kept = np.full(len(condition), None, dtype=object)
    kept[condition] = np.asarray(values, dtype=object)[condition]
    return kept


def iso_times(times: NDArray[np.datetime64], unit: Literal["s", "D"] = "s") -> NDArray[np.object_]:
    """Return times as ISO text, "YYYY-MM-DD HH:MM:SS" or days, absent ones as None."""
    texts = np.empty(len(times), dtype=object)
    texts[:] = [text.replace("T", " ") for text in np.datetime_as_string(times, unit=unit).tolist()]
    texts[np.isnat(times)] = None
    return texts
