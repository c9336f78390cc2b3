"""How far to trust each learner, decided on customers it never saw, at earlier origins.

The weights found here are used at a later origin, and only there is the champion graded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ml.evaluation import poisson_deviance, rmse
from ml.lifetime_value.champion.config import (
    BOOSTED_CLASSICS,
    CLASSIC_BLEND,
    STACK,
    ChampionConfig,
)
from ml.lifetime_value.champion.learners import Learner
from ml.lifetime_value.config import PURCHASE_MODELS
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
        Share by which RMSE and Poisson deviance (their mean) beat the anchor's, out of fold.
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


def trusted_classics(
    forecasts: Mapping[str, FloatArray], observed: FloatArray, config: ChampionConfig
) -> set[str]:
    """
    Return the classics whose mean is the anchor: all that did not fail at the earlier origins.

    Picking the single best instead cost up to 0.5 % on CDNOW, where BG/NBD wins at every earlier
    origin and Pareto/NBD at the last.
    """
    names = [name for name in forecasts if name in PURCHASE_MODELS]
    reference = np.mean([forecasts[name] for name in names], axis=0)
    scores = {name: criterion(forecasts[name], observed, reference) for name in names}
    limit = min(scores.values()) * (1.0 + config.worst_classic_share)
    return {name for name, score in scores.items() if score <= limit}


def choose(
    anchor: FloatArray,
    observed: FloatArray,
    correction: Learner | None,
    free: Learner | None,
    trust: float,
) -> Choice:
    """
    Return the best stack of learners upon the classics' mean, which may be the mean alone.

    Parameters
    ----------
    anchor
        Mean forecast of the classics for the training rows.
    observed
        Purchases of the training rows.
    correction
        Learner with the anchor as offset; None when there is too little to learn from.
    free
        Learner whose offset is the mean of `observed` for everybody; None where the horizon
        learnt from isn't that of the forecast.
    trust
        Share of the weights found that is used.
    """
    if correction is None:
        return Choice(CLASSIC_BLEND)
    steps = _best_steps(anchor, correction.out_of_fold, observed)
    free_steps = 0
    log_free = np.zeros_like(anchor)
    free_weights = WEIGHTS[:1]
    if free is not None:
        over_anchor = np.log(observed.mean()) - np.log(anchor)
        free_steps = _best_steps(anchor, free.out_of_fold + over_anchor, observed)
        log_free = free.out_of_fold[free_steps] + over_anchor
        free_weights = WEIGHTS
    log_correction = correction.out_of_fold[steps]
    found = (1.0, 0.0, 0.0)
    for weight in WEIGHTS:
        for free_weight in free_weights[: len(WEIGHTS) - round(weight * (len(WEIGHTS) - 1))]:
            stacked = anchor * np.exp(weight * log_correction + free_weight * log_free)
            score = criterion(stacked, observed, anchor)
            found = min(found, (score, float(weight), float(free_weight)))
    score, weight, free_weight = found
    if weight + free_weight == 0:
        return Choice(CLASSIC_BLEND)
    return Choice(
        STACK if free_weight > 0 else BOOSTED_CLASSICS,
        trust * weight,
        steps,
        trust * free_weight,
        free_steps,
        1.0 - score,
    )


def _best_steps(anchor: FloatArray, log_factors: FloatArray, observed: FloatArray) -> int:
    """Return the number of steps with which a learner alone does best."""
    scores = [criterion(anchor * np.exp(logs), observed, anchor) for logs in log_factors]
    return int(np.argmin(scores))


def with_level(forecast: FloatArray, anchor: FloatArray, config: ChampionConfig) -> FloatArray:
    """Return the forecast with only a share of its level's distance from the anchor's."""
    total = float(forecast.sum())
    if total <= 0:
        return forecast
    factor: float = (float(anchor.sum()) / total) ** (1.0 - config.level_trust)
    return forecast * factor
