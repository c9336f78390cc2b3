"""Point-forecast metrics: one number for a prediction and what then happened.

No baselines, no grades, no binning in here (see the sibling modules), and nothing about a model.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]

# A Poisson rate of exactly 0 makes one surprise infinitely bad; a purchase per million customers
# is the smallest rate that we let a model claim.
SMALLEST_POISSON_MEAN = 1e-6


class EvaluationError(ValueError):
    """Predictions and observations can't be compared."""


def comparable_pair(predicted: ArrayLike, observed: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return both as float arrays, or say why they can't be compared."""
    left = np.asarray(predicted, dtype=np.float64)
    right = np.asarray(observed, dtype=np.float64)
    if left.ndim != 1 or left.shape != right.shape:
        raise EvaluationError(
            f"Predictions have shape {left.shape} and observations {right.shape}; "
            "pass two one-dimensional arrays of the same length."
        )
    if left.size == 0:
        raise EvaluationError("There are no customers to evaluate; check the holdout frame.")
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        bad = int((~np.isfinite(left)).sum()), int((~np.isfinite(right)).sum())
        raise EvaluationError(
            f"{bad[0]} predictions and {bad[1]} observations are not finite numbers; "
            "drop those customers or let the model abstain."
        )
    return left, right


def mae(predicted: ArrayLike, observed: ArrayLike) -> float:
    """Mean absolute error a customer."""
    left, right = comparable_pair(predicted, observed)
    return float(np.abs(left - right).mean())


def rmse(predicted: ArrayLike, observed: ArrayLike) -> float:
    """Root mean squared error a customer."""
    left, right = comparable_pair(predicted, observed)
    return float(np.sqrt(np.square(left - right).mean()))


def bias_share(predicted: ArrayLike, observed: ArrayLike) -> float | None:
    """Predicted total over observed total, minus 1 (0.1 = 10 % too many); None if none occurred."""
    left, right = comparable_pair(predicted, observed)
    total = float(right.sum())
    return None if total == 0 else float(left.sum()) / total - 1.0


def correlation(predicted: ArrayLike, observed: ArrayLike) -> float | None:
    """Pearson correlation; None when either side is constant and it is not defined."""
    left, right = comparable_pair(predicted, observed)
    if np.ptp(left) == 0 or np.ptp(right) == 0:
        return None
    return float(np.corrcoef(left, right)[0, 1])


def top_10_share_capture(predicted: ArrayLike, observed: ArrayLike) -> float | None:
    """
    Share of all observed events made by the predicted top 10 % of customers.

    This is the definition that reproduces the published CDNOW table (45.8/46.7/47.5/47.0 %); the
    overlap of predicted and true top deciles gives other numbers (46.4/47.2/48.1/47.7 %).
    Customers with the same prediction share the places left at the edge in proportion, so the
    result does not depend on the order of the rows. None when nothing was observed, or when there
    are fewer than ten customers.
    """
    left, right = comparable_pair(predicted, observed)
    places = left.size // 10
    total = float(right.sum())
    if places == 0 or total == 0:
        return None
    edge = np.partition(left, left.size - places)[left.size - places]
    above, at_edge = left > edge, left == edge
    places_at_edge = places - int(above.sum())
    captured = float(right[above].sum()) + places_at_edge * float(right[at_edge].mean())
    return captured / total


def poisson_deviance(predicted: ArrayLike, observed: ArrayLike) -> float:
    """Mean Poisson deviance of counts; predictions below one in a million count as that."""
    left, right = comparable_pair(predicted, observed)
    mean = np.maximum(left, SMALLEST_POISSON_MEAN)
    ratio = np.where(right > 0, right, 1.0) / mean
    log_term = np.where(right > 0, right * np.log(ratio), 0.0)
    return float(2.0 * (log_term - (right - mean)).mean())


def count_metrics(predicted: ArrayLike, observed: ArrayLike) -> Mapping[str, float | None]:
    """Return all metrics for a forecast of counts, by name."""
    return {
        "mae": mae(predicted, observed),
        "rmse": rmse(predicted, observed),
        "bias_share": bias_share(predicted, observed),
        "correlation": correlation(predicted, observed),
        "top_10_share_capture": top_10_share_capture(predicted, observed),
        "poisson_deviance": poisson_deviance(predicted, observed),
    }
