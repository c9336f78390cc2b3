"""Rates from few trials: a customer's own, drawn to the segment's, drawn to the base's.

Counts in, rates out; nothing about channels.

References
----------
.. [1] Robbins, H. (1956). An empirical Bayes approach to statistics. Berkeley Symposium.
.. [2] Griffiths, D. (1973). Maximum likelihood estimation for the beta-binomial distribution. Biometrics
   29.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import betaln

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
_SMALLEST_PRECISION, _LARGEST_PRECISION = 0.5, 1e5


@dataclass(frozen=True)
class BetaPrior:
    """Rates of a base: Beta(mean x precision, (1 - mean) x precision)."""

    mean: float
    precision: float

    def posterior(
        self, trials: FloatArray, successes: FloatArray, mean: FloatArray | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return mean and standard deviation of each rate; `mean` replaces the base's, by row."""
        centre = np.full(len(trials), self.mean) if mean is None else mean
        weight = trials + self.precision
        rate = (successes + centre * self.precision) / weight
        return rate, np.sqrt(rate * (1 - rate) / (weight + 1))


def fit_beta(trials: FloatArray, successes: FloatArray) -> BetaPrior:
    """Fit mean and precision to counts by maximum likelihood, on distinct counts with weights."""
    has_trials = trials > 0
    if not has_trials.any():
        return BetaPrior(0.0, _LARGEST_PRECISION)
    distinct, weight = np.unique(
        np.column_stack([trials[has_trials], successes[has_trials]]), axis=0, return_counts=True
    )
    n, y = distinct.T
    # Half a success and half a failure: a channel that never sold has a small rate, not none.
    mean = float(((weight * y).sum() + 0.5) / ((weight * n).sum() + 1.0))

    def loss(log_precision: FloatArray) -> float:
        precision = float(np.exp(log_precision[0]))
        a, b = mean * precision, (1 - mean) * precision
        return -float((weight * (betaln(y + a, n - y + b) - betaln(a, b))).sum())

    bounds = [(np.log(_SMALLEST_PRECISION), np.log(_LARGEST_PRECISION))]
    found = min(
        (minimize(loss, [start], method="L-BFGS-B", bounds=bounds) for start in (1.0, 4.0, 8.0)),
        key=lambda fit: float(fit.fun),
    )
    return BetaPrior(mean, float(np.exp(found.x[0])))


def hierarchical_rates(
    trials: FloatArray, successes: FloatArray, segment: IntArray
) -> tuple[FloatArray, FloatArray]:
    """
    Return rate and standard deviation of each row.

    Parameters
    ----------
    trials, successes
        Counts by customer.
    segment
        Number of the customer's segment; -1 for none, whose mean is the base's.
    """
    base = fit_beta(trials, successes)
    count = int(segment.max(initial=-1)) + 1
    centre = np.full(len(trials), base.mean)
    known = segment >= 0
    if count:
        by_segment_n = _sums(segment[known], trials[known], count)
        by_segment_y = _sums(segment[known], successes[known], count)
        between = fit_beta(by_segment_n, by_segment_y)
        rates, _ = between.posterior(by_segment_n, by_segment_y)
        centre[known] = rates[segment[known]]
    return base.posterior(trials, successes, centre)


def _sums(segment: IntArray, values: FloatArray, count: int) -> FloatArray:
    return np.asarray(np.bincount(segment, weights=values, minlength=count), dtype=np.float64)
