"""Spanish national ids: NIF of citizens and NIE of residents born abroad, valid and unique.

How systems mangle them is the writers' matter.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.randomness import Booleans, Integers, spread_numbers

CHECK_LETTERS: Final = "TRWAGMYFPDXBNJZSQVHLCKE"
_LETTERS: Final = np.array(list(CHECK_LETTERS))
_NIE_PREFIXES: Final = np.array(list("XYZ"))


def draw_national_ids(rng: np.random.Generator, is_foreign: Booleans) -> Any:  # noqa: ANN401
    """Return a valid NIF, or NIE where ``is_foreign``, for each person (Arrow-backed text)."""
    numbers = np.empty(len(is_foreign), dtype=np.int64)
    foreigners = int(is_foreign.sum())
    if foreigners:
        numbers[is_foreign] = spread_numbers(rng, foreigners, 100_000, 29_999_999)
    numbers[~is_foreign] = spread_numbers(rng, len(is_foreign) - foreigners, 300_000, 79_999_999)
    letters = pd.Series(_LETTERS[numbers % 23], dtype="string[pyarrow]")
    digits = padded(np.where(is_foreign, numbers % 10_000_000, numbers), 8)
    prefix = _NIE_PREFIXES[np.where(is_foreign, numbers // 10_000_000, 0)]
    nie = pd.Series(prefix, dtype="string[pyarrow]") + digits.str.slice(1) + letters
    return (digits + letters).where(~pd.Series(is_foreign), nie).array


def padded(numbers: Integers, width: int) -> pd.Series:
    """Return numbers as text with leading zeros."""
    # A leading 1 keeps the zeros of the number that follows.
    return pd.Series(numbers + 10**width).astype("string[pyarrow]").str.slice(1)
