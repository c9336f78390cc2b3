"""Customer columns of any kind as numbers: one matrix for linear models, one for trees.

Belongs here: types, levels, missing values, names to speak of. Does not: outcomes, so encoding all
customers at once leaks nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.uplift.config import UpliftError

FloatArray = NDArray[np.float64]

_MOSTLY_NUMBERS = 0.95
_LIKE_A_KEY = 0.5
_RANK_POINTS = 200
_SMALLEST_LEVEL = 20
_BELOW_ALL = -1e12


@dataclass(frozen=True)
class Condition:
    """
    What a column of the tree matrix stands for.

    Parameters
    ----------
    feature
        Column of the frame.
    level
        Level of a text column; None for a number.
    values
        "flag" (0 and 1), "integer" or "number": how to say a bound.
    """

    feature: str
    level: str | None = None
    values: str = "number"


@dataclass(frozen=True)
class Encoded:
    """Customers as numbers, in their order."""

    linear: FloatArray
    tree: FloatArray

    def filled_tree(self) -> FloatArray:
        """Return the tree matrix with missing numbers below all others: a fold may know none."""
        return np.nan_to_num(self.tree, nan=_BELOW_ALL)

    def rows(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Encoded:
        """Return some customers."""
        return Encoded(self.linear[chosen], self.tree[chosen])

    def __len__(self) -> int:
        return len(self.tree)


@dataclass(frozen=True)
class _Number:
    name: str
    kind: str  # "number" or "time"
    median: float
    points: FloatArray  # quantiles, for ranks
    has_missing: bool
    values: str  # "flag", "integer" or "number"


@dataclass(frozen=True)
class _Text:
    name: str
    levels: tuple[str, ...]
    shares: tuple[float, ...]


@dataclass(frozen=True)
class Encoder:
    """Fitted encoding; `notes` says which columns were left out and why."""

    columns: tuple[_Number | _Text, ...]
    notes: tuple[str, ...]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """Return what each column of the tree matrix means."""
        found: list[Condition] = []
        for column in self.columns:
            if isinstance(column, _Number):
                found.append(Condition(column.name, values=column.values))
            else:
                found.extend(Condition(column.name, level) for level in column.levels)
        return tuple(found)

    def transform(self, frame: pd.DataFrame) -> Encoded:
        """
        Encode customers; levels never seen are "another level", missing numbers stay missing.

        Raises
        ------
        UpliftError
            When a column is missing.
        """
        missing = [column.name for column in self.columns if column.name not in frame]
        if missing:
            raise UpliftError(f"The frame lacks the feature {missing[0]!r}; add the column.")
        linear: list[FloatArray] = []
        tree: list[FloatArray] = []
        for column in self.columns:
            if isinstance(column, _Number):
                values = _numbers(frame[column.name], column.kind)
                tree.append(np.asarray(values))
                linear.extend(_ranked(values, column))
            else:
                text = _texts(frame[column.name])
                for level, share in zip(column.levels, column.shares, strict=True):
                    hit = np.asarray(text == level, dtype=np.float64)
                    tree.append(hit)
                    linear.append((hit - share) / max(np.sqrt(share * (1 - share)), 0.05))
        return Encoded(_stacked(linear, len(frame)), _stacked(tree, len(frame)))


def fit_encoder(frame: pd.DataFrame, features: Sequence[str], max_levels: int) -> Encoder:
    """
    Decide how each column becomes numbers.

    Numbers as text, times, booleans and categories are recognised. Constant columns and keys (mostly
    distinct texts) say nothing about a group of customers and are left out with a note.
    """
    columns: list[_Number | _Text] = []
    notes: list[str] = []
    for name in features:
        found = _column(frame[name], name, max_levels)
        if isinstance(found, str):
            notes.append(found)
        else:
            columns.append(found)
    if not columns:
        raise UpliftError(
            "No feature is left to tell customers apart: "
            + (" ".join(notes) or "none was named.")
            + " Name columns known before the message was sent."
        )
    return Encoder(tuple(columns), tuple(notes))


def _column(values: pd.Series, name: str, max_levels: int) -> _Number | _Text | str:
    kind = _kind(values)
    if kind != "text":
        numbers = _numbers(values, kind)
        known = numbers[np.isfinite(numbers)]
        if known.size == 0 or (np.ptp(known) == 0 and known.size == numbers.size):
            return f"{name} has one value only."
        if name.lower().split("_")[-1] == "id" and len(np.unique(known)) == len(numbers):
            return f"{name} is a key."
        points = np.unique(np.quantile(known, np.linspace(0, 1, _RANK_POINTS)))
        values_are = "number"
        if (known % 1 == 0).all():
            values_are = "flag" if np.isin(known, (0.0, 1.0)).all() else "integer"
        has_missing = known.size < numbers.size
        return _Number(name, kind, float(np.median(known)), points, has_missing, values_are)
    text = _texts(values)
    counts = text.value_counts()
    if len(counts) > max(100, _LIKE_A_KEY * len(text)):
        return f"{name} is a key or free text ({len(counts):,} different values)."
    # By frequency, then by name: the order of rows must not matter.
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
    kept = [(str(level), n / len(text)) for level, n in ordered if n >= _SMALLEST_LEVEL][
        :max_levels
    ]
    if not kept or (len(kept) == 1 and kept[0][1] == 1.0):
        return f"{name} has one value only, or none that is frequent enough."
    return _Text(name, tuple(level for level, _ in kept), tuple(share for _, share in kept))


def _kind(values: pd.Series) -> str:
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return "time"
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return "number"
    known = values.dropna()
    if len(known) == 0:
        return "number"
    numbers = pd.to_numeric(known.astype("string"), errors="coerce")
    if float(numbers.notna().mean()) >= _MOSTLY_NUMBERS:
        return "number"
    first = known.iloc[0]
    return "time" if hasattr(first, "toordinal") and not isinstance(first, str) else "text"


def _numbers(values: pd.Series, kind: str) -> FloatArray:
    if kind == "time":
        times = pd.to_datetime(values, errors="coerce", utc=True)
        days = (times - pd.Timestamp("2000-01-01", tz="UTC")) / pd.Timedelta(days=1)
        return np.asarray(days.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    numbers = pd.to_numeric(values, errors="coerce").astype("Float64")
    found = numbers.to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(np.where(np.isfinite(found), found, np.nan), dtype=np.float64)


def _texts(values: pd.Series) -> pd.Series:
    return values.astype("string").str.strip().fillna("(missing)")


def _ranked(values: FloatArray, column: _Number) -> list[FloatArray]:
    """Return rank in [-1, 1], its square and, where it happens, that the number is missing."""
    is_missing = ~np.isfinite(values)
    filled = np.where(is_missing, column.median, values)
    grid = np.linspace(-1, 1, len(column.points)) if len(column.points) > 1 else np.zeros(1)
    rank = np.interp(filled, column.points, grid)
    parts = [rank * np.sqrt(3.0)]
    if len(column.points) > 2:
        parts.append((rank**2 - 1 / 3) * 3.35)
    if column.has_missing:
        parts.append(np.asarray(is_missing, dtype=np.float64))
    return parts


def _stacked(columns: list[FloatArray], rows: int) -> FloatArray:
    return np.column_stack(columns) if columns else np.zeros((rows, 0))
