"""How far to trust each learner, decided on customers it never saw, at earlier origins.

The weights found here are used at a later origin, and only there is the champion graded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.evaluation import poisson_deviance, rmse
from ml.lifetime_value.champion.config import (
    BASE_MEAN,
    BOOSTED_CLASSICS,
    CLASSIC_BLEND,
    NAIVE_RATE,
    STACK,
    ChampionConfig,
)
from ml.lifetime_value.champion.learners import Learner
from ml.lifetime_value.purchases.log import FloatArray

WEIGHTS = np.linspace(0.0, 1.0, 11)


@dataclass(frozen=True)
class Choice:
    """
    What the champion is made of.

    Parameters
    ----------
    model
        Name of the candidate.
    correction_weight, correction_steps
        Weight of the booster on the classics' forecast, and its steps of trees.
    free_weight, free_steps
        Weight of the booster without anchor, and its steps of trees.
    gain
        Share by which RMSE and Poisson deviance (their mean) beat the best classic's, out of fold.
    """

    model: str
    correction_weight: float = 0.0
    correction_steps: int = 0
    free_weight: float = 0.0
    free_steps: int = 0
    gain: float = 0.0


def criterion(predicted: FloatArray, observed: FloatArray, reference: FloatArray) -> float:
    """Return RMSE and Poisson deviance, each over the reference's, averaged: below 1 is better."""
    return 0.5 * (
        rmse(predicted, observed) / max(rmse(reference, observed), 1e-12)
        + poisson_deviance(predicted, observed) / max(poisson_deviance(reference, observed), 1e-12)
    )


def choose(
    forecasts: Mapping[str, FloatArray],
    observed: FloatArray,
    correction: Learner | None,
    free: Learner | None,
    trust: float,
) -> Choice:
    """
    Return the best single classic, or the best stack of learners upon their mean.

    Parameters
    ----------
    forecasts
        Forecasts of the classics and baselines for the training rows, by name.
    observed
        Purchases of the training rows.
    correction
        Learner with the classics' mean as offset; None when there is too little to learn from.
    free
        Learner whose offset is the mean of `observed` for everybody; None where the horizon
        learnt from isn't that of the forecast.
    trust
        Share of the weights found that is used.
    """
    anchor = forecasts[CLASSIC_BLEND]
    names = [name for name in forecasts if name not in (NAIVE_RATE, BASE_MEAN)]
    scores = {name: criterion(forecasts[name], observed, anchor) for name in names}
    best = min(names, key=lambda name: scores[name])
    if correction is None:
        return Choice(best)
    steps, _ = _best_steps(anchor, correction.out_of_fold, observed)
    free_steps = 0
    log_free = np.zeros_like(anchor)
    free_weights = WEIGHTS[:1]
    if free is not None:
        over_anchor = np.log(observed.mean()) - np.log(anchor)
        free_steps, _ = _best_steps(anchor, free.out_of_fold + over_anchor, observed)
        log_free = free.out_of_fold[free_steps] + over_anchor
        free_weights = WEIGHTS
    log_correction = correction.out_of_fold[steps]
    found = (np.inf, 0.0, 0.0)
    for weight in WEIGHTS:
        for free_weight in free_weights[: len(WEIGHTS) - round(weight * (len(WEIGHTS) - 1))]:
            stacked = anchor * np.exp(weight * log_correction + free_weight * log_free)
            found = min(found, (criterion(stacked, observed, anchor), weight, free_weight))
    score, weight, free_weight = found
    if score >= scores[best]:
        return Choice(best)
    return Choice(
        STACK if free_weight > 0 else BOOSTED_CLASSICS,
        trust * float(weight),
        steps,
        trust * float(free_weight),
        free_steps,
        1.0 - score / scores[best],
    )


def _best_steps(
    anchor: FloatArray, log_factors: FloatArray, observed: FloatArray
) -> tuple[int, float]:
    """Return the number of steps with which a learner alone does best, and its criterion."""
    scores = [criterion(anchor * np.exp(logs), observed, anchor) for logs in log_factors]
    best = int(np.argmin(scores))
    return best, scores[best]


def with_level(forecast: FloatArray, anchor: FloatArray, config: ChampionConfig) -> FloatArray:
    """Return the forecast with only a share of its level's distance from the anchor's."""
    total = float(forecast.sum())
    if total <= 0:
        return forecast
    return forecast * (float(anchor.sum()) / total) ** (1.0 - config.level_trust)
