"""Qini and uplift curves, their areas, and how sure one can be of them.

Scores and a randomised outcome in, numbers out; no model is known here.

References
----------
.. [1] Radcliffe, N. J. (2007). Using control groups to target on predicted lift: building and
   assessing uplift models. Direct Marketing Analytics Journal.
.. [2] Gutierrez, P. and Gérardy, J.-Y. (2017). Causal inference and uplift modelling: a review of the
   literature. PMLR 67.
.. [3] The normalised coefficients are those of scikit-uplift 0.5 (`qini_auc_score`,
   `uplift_auc_score`), so that numbers can be compared with other people's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.evaluation import EvaluationError

FloatArray = NDArray[np.float64]
SHARES = np.linspace(0, 1, 21)


@dataclass(frozen=True)
class Curve:
    """
    Gain by share of customers treated, best scores first.

    Parameters
    ----------
    share
        Share of customers treated, from 0 to 1; a step a distinct score.
    qini
        Outcomes gained per customer of the whole base, after Radcliffe: those of the treated less
        those of the control group scaled to as many.
    uplift
        The same from the difference of the two means among those treated, times their share.
    """

    share: FloatArray
    qini: FloatArray
    uplift: FloatArray

    @property
    def qini_area(self) -> float:
        """Area between the Qini curve and the random line: 0 for a ranking that knows nothing."""
        return _area(self.share, self.qini) - float(self.qini[-1]) / 2

    @property
    def auuc(self) -> float:
        """Area under the uplift curve; a random ranking has half the average effect."""
        return _area(self.share, self.uplift)

    @property
    def average_effect(self) -> float:
        """Return the effect of treating everybody."""
        return float(self.uplift[-1])


@dataclass(frozen=True)
class Ranked:
    """Customers sorted by score once, so that resamples cost little."""

    treated: FloatArray
    outcome: FloatArray
    order: NDArray[np.intp]
    ends: NDArray[np.intp]  # last position of each distinct score

    def curve(self, weight: FloatArray | None = None) -> Curve:
        """Return the curve; `weight` counts each customer that often (in the original order)."""
        w = np.ones(len(self.order)) if weight is None else weight[self.order]
        t, y = self.treated, self.outcome
        in_both = np.cumsum(w)[self.ends]
        n_treated = np.cumsum(w * t)[self.ends]
        y_treated = np.cumsum(w * t * y)[self.ends]
        n_control = in_both - n_treated
        y_control = np.cumsum(w * (1 - t) * y)[self.ends]
        scaled = np.divide(
            y_control * n_treated, n_control, out=np.zeros_like(y_control), where=n_control > 0
        )
        total = max(float(n_treated[-1]), 1.0)
        mean_treated = np.divide(
            y_treated, n_treated, out=np.zeros_like(y_treated), where=n_treated > 0
        )
        mean_control = np.divide(
            y_control, n_control, out=np.zeros_like(y_control), where=n_control > 0
        )
        share = in_both / max(float(in_both[-1]), 1.0)
        return Curve(
            share=np.concatenate([[0.0], share]),
            qini=np.concatenate([[0.0], (y_treated - scaled) / total]),
            uplift=np.concatenate([[0.0], (mean_treated - mean_control) * share]),
        )


def ranked(score: FloatArray, treated: FloatArray, outcome: FloatArray) -> Ranked:
    """Sort customers by score; equal scores are one step, whatever the order of rows."""
    if not (len(score) == len(treated) == len(outcome)) or len(score) == 0:
        raise EvaluationError(
            f"{len(score)} scores, {len(treated)} treatments and {len(outcome)} outcomes can't be "
            "compared; pass as many of each, and at least one."
        )
    if not np.isfinite(score).all():
        raise EvaluationError("Some scores are not finite; let those customers abstain.")
    order = np.argsort(-score, kind="stable")
    sorted_score = score[order]
    ends = np.append(np.flatnonzero(np.diff(sorted_score) != 0), len(score) - 1)
    return Ranked(treated[order].astype(float), outcome[order].astype(float), order, ends)


def normalised(
    score: FloatArray, treated: FloatArray, outcome: FloatArray
) -> tuple[float | None, float | None]:
    """
    Return Qini and AUUC as shares of the perfect ranking's, random = 0; None if not binary.

    The perfect ranking treats those who were treated and responded first and those of the control
    group who responded last, as scikit-uplift defines it.
    """
    if not np.isin(outcome, (0.0, 1.0)).all():
        return None, None
    best = ranked(outcome * treated - outcome * (1 - treated), treated, outcome).curve()
    own = ranked(score, treated, outcome).curve()
    perfect_qini = best.qini_area
    random_auuc = best.average_effect / 2
    perfect_auuc = best.auuc - random_auuc
    return (
        None if perfect_qini <= 0 else own.qini_area / perfect_qini,
        None if perfect_auuc <= 0 else (own.auuc - random_auuc) / perfect_auuc,
    )


def resamples(groups: NDArray[np.int64] | None, rows: int, count: int, seed: int) -> FloatArray:
    """Return weights of a Poisson bootstrap, one row a resample; a group's rows share a weight."""
    rng = np.random.default_rng(seed)
    if groups is None:
        return rng.poisson(1.0, (count, rows)).astype(np.float32)
    drawn = rng.poisson(1.0, (count, int(groups.max()) + 1))
    return drawn[:, groups].astype(np.float32)


def resampled_curves(
    sorted_customers: Ranked, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return Qini areas, and gains at `SHARES`, of each resample."""
    areas, gains = np.zeros(len(weights)), np.zeros((len(weights), len(SHARES)))
    for number, weight in enumerate(weights):
        curve = sorted_customers.curve(weight.astype(np.float64))
        areas[number] = curve.qini_area
        gains[number] = np.interp(SHARES, curve.share, curve.qini)
    return areas, gains


def curve_frame(curve: Curve, gains: FloatArray, confidence: float) -> pd.DataFrame:
    """Return the curve at every 5 % of customers, with its interval and the random line."""
    tail = (1 - confidence) / 2
    low, high = np.quantile(gains, (tail, 1 - tail), axis=0)
    return pd.DataFrame(
        {
            "share_treated": SHARES,
            "qini_gain": np.interp(SHARES, curve.share, curve.qini),
            "qini_gain_low": low,
            "qini_gain_high": high,
            "uplift_gain": np.interp(SHARES, curve.share, curve.uplift),
            "random_gain": SHARES * float(curve.qini[-1]),
        }
    )


def _area(x: FloatArray, y: FloatArray) -> float:
    return float(np.trapezoid(y, x))
