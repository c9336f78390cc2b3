"""Predicted against measured uplift: how far predictions must be shrunk, and deciles to show it.

No ranking and no choice in here: a calibration keeps the order of customers.

References
----------
.. [1] Chernozhukov, V., Demirer, M., Duflo, E. and Fernández-Val, I. (2018). Generic machine learning
   inference on heterogeneous treatment effects in randomized experiments. NBER 24678 (best linear
   predictor).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.uplift.effects import average_effect
from ml.uplift.encoding import FloatArray
from ml.uplift.learners import Sample, doubly_robust_scores

CALIBRATION_COLUMNS = (
    "decile", "customers", "predicted_uplift", "observed_uplift", "observed_low", "observed_high",
)  # fmt: skip
_DECILES = 10
_STEEPEST = 1.5


@dataclass(frozen=True)
class Calibration:
    """
    Effect = average + slope x (score - mean score).

    Parameters
    ----------
    average
        Average effect.
    slope, slope_error
        Of doubly robust scores on predictions; 1 when predictions can be taken at their word, 0 when
        customers do not differ as predicted.
    centre
        Mean score.
    """

    average: float
    slope: float
    slope_error: float
    centre: float

    def apply(self, score: FloatArray) -> FloatArray:
        """Return calibrated effects; slopes beyond 0 to 1.5 are not believed."""
        return self.average + float(np.clip(self.slope, 0, _STEEPEST)) * (score - self.centre)


def calibrate(score: FloatArray, sample: Sample, seed: int) -> Calibration:
    """Regress doubly robust scores on honest predictions (by customer where they repeat)."""
    target = doubly_robust_scores(sample, "linear", seed)
    centred = score - score.mean()
    spread = float((centred**2).sum())
    average = float(target.mean())
    if spread <= 0:
        return Calibration(average, 0.0, 0.0, float(score.mean()))
    slope = float((centred * target).sum()) / spread
    influence = centred * (target - average - slope * centred) / spread
    if sample.group is not None:
        influence = np.bincount(sample.group, weights=influence)
    error = float(np.sqrt((influence**2).sum()))
    return Calibration(average, slope, error, float(score.mean()))


def decile_table(score: FloatArray, sample: Sample, confidence: float) -> pd.DataFrame:
    """
    Return predicted and observed uplift from the best (1) to the worst tenth (10).

    Equal predictions stay together in the decile of their middle rank.
    """
    middle = pd.Series(-score).rank(method="average").to_numpy()
    decile = np.floor((middle - 0.5) * _DECILES / len(score)).astype(np.int64) + 1
    rows = []
    for number in np.unique(decile):
        here = decile == number
        within = sample.rows(here)
        found = average_effect(within.treated, within.outcome, confidence, within.group)
        if found is not None:
            rows.append(
                (
                    int(number),
                    int(here.sum()),
                    float(score[here].mean()),
                    found.effect,
                    found.low,
                    found.high,
                )
            )
    return pd.DataFrame(rows, columns=list(CALIBRATION_COLUMNS))
