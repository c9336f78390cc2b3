"""Distances between distributions of which only a few quantiles or shares are known.

Belongs here: the arithmetic. Does not: which distance is too large (`drift`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

PROBABILITIES: Final = tuple(step / 20 for step in range(1, 20))
"""Probabilities of the quantiles that a profile keeps: 5 % to 95 %, so never an extreme value."""

_PROBABILITIES = np.array(PROBABILITIES)
_DECILES: Final = slice(1, None, 2)
_OUTSIDE: Final = PROBABILITIES[0] / 2
_FLOOR: Final = 0.01
_LARGEST_Z: Final = 1e6


def _share_up_to(quantiles: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of values up to each edge; equal quantiles are a jump of the whole step."""
    values, last = np.unique(quantiles[::-1], return_index=True)
    probabilities = _PROBABILITIES[::-1][last]
    shares: NDArray[np.float64] = np.interp(
        edges, values, probabilities, left=_OUTSIDE, right=1 - _OUTSIDE
    )
    return shares


def population_stability_index(
    quantiles: Sequence[float],
    references: Sequence[Sequence[float]],
    weights: Sequence[float],
    rows: float,
) -> float:
    """Return the population stability index on the ten bins between the reference's deciles.

    Parameters
    ----------
    quantiles
        Quantiles of the new values at `PROBABILITIES`.
    references
        Quantiles of earlier deliveries, each at `PROBABILITIES`.
    weights
        Rows of the earlier deliveries.
    rows
        Rows behind ``quantiles``. What chance alone gives with so few rows is taken off.

    Returns
    -------
    float
        0 for equal distributions; customary limits are 0.1 (look) and 0.25 (act).
    """
    earlier = np.asarray(references, dtype=float)
    weighted = np.asarray(weights, dtype=float)
    edges = np.unique(np.median(earlier, axis=0)[_DECILES])
    expected_up_to = np.average(
        [_share_up_to(row, edges) for row in earlier], axis=0, weights=weighted
    )
    found_up_to = _share_up_to(np.asarray(quantiles, dtype=float), edges)
    expected = np.maximum(np.diff(expected_up_to, prepend=0.0, append=1.0), _FLOOR)
    found = np.maximum(np.diff(found_up_to, prepend=0.0, append=1.0), _FLOOR)
    index = float(np.sum((found - expected) * np.log(found / expected)))
    by_chance = len(edges) * (1 / max(rows, 1.0) + 1 / max(float(weighted.sum()), 1.0))
    return max(0.0, index - by_chance)


def share_shift(
    new: Mapping[str, float], reference: Mapping[str, float]
) -> tuple[float, tuple[str, ...]]:
    """Return half the summed change of all shares, and the values that are new.

    Parameters
    ----------
    new
        Share by value now.
    reference
        Share by value before.
    """
    values = {*new, *reference}
    change = sum(abs(new.get(value, 0.0) - reference.get(value, 0.0)) for value in values) / 2
    return change, tuple(sorted(value for value in new if value not in reference))


def z_of_shares(
    new_share: float, new_rows: float, reference_share: float, reference_rows: float
) -> float:
    """Return by how many standard errors two shares differ (pooled two-proportion test)."""
    if not new_rows or not reference_rows:
        return 0.0
    pooled = (new_share * new_rows + reference_share * reference_rows) / (new_rows + reference_rows)
    variance = pooled * (1 - pooled) * (1 / new_rows + 1 / reference_rows)
    difference = abs(new_share - reference_share)
    if variance <= 0:
        return 0.0 if difference == 0 else _LARGEST_Z
    return difference / math.sqrt(variance)
