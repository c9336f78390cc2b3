"""Average effects of groups of customers, with intervals and what could have been detected.

Differences of means of randomised groups; no model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from ml.uplift.encoding import FloatArray

_POWER = 0.80
_SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Effect:
    """
    Difference of the means of treated and control.

    Parameters
    ----------
    treated, control
        Customers (rows) of each.
    treated_mean, control_mean
        Outcome a customer.
    effect, low, high
        Difference and its interval.
    standard_error
        Of the difference; repeated customers are taken together.
    detectable
        Smallest effect found with a chance of 80 % at the 5 % level.
    """

    treated: int
    control: int
    treated_mean: float
    control_mean: float
    effect: float
    low: float
    high: float
    standard_error: float

    @property
    def detectable(self) -> float:
        """Smallest effect that such groups show with a chance of 80 % at the 5 % level."""
        return float((norm.ppf(_POWER) + norm.ppf(1 - _SIGNIFICANCE / 2)) * self.standard_error)


def average_effect(
    treated: FloatArray,
    outcome: FloatArray,
    confidence: float,
    group: NDArray[np.int64] | None = None,
) -> Effect | None:
    """
    Return the difference of means (Welch; by customer where `group` is given).

    None when a group has fewer than two rows.
    """
    is_treated = treated == 1
    n_treated, n_control = int(is_treated.sum()), int((~is_treated).sum())
    if min(n_treated, n_control) < 2:
        return None
    mean_treated, mean_control = outcome[is_treated].mean(), outcome[~is_treated].mean()
    if group is None:
        variance = (
            outcome[is_treated].var(ddof=1) / n_treated
            + outcome[~is_treated].var(ddof=1) / n_control
        )
    else:
        influence = np.where(
            is_treated, (outcome - mean_treated) / n_treated, -(outcome - mean_control) / n_control
        )
        variance = float((np.bincount(group, weights=influence) ** 2).sum())
    error = float(np.sqrt(variance))
    effect = float(mean_treated - mean_control)
    reach = float(norm.ppf(0.5 + confidence / 2)) * error
    return Effect(
        n_treated,
        n_control,
        float(mean_treated),
        float(mean_control),
        effect,
        effect - reach,
        effect + reach,
        error,
    )
