"""Learning the champion as of a day: examples at earlier origins, choice, and a forecast.

Nothing from the as-of day on is seen here; grading what comes out is `rolling`'s matter.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.evaluation import rmse
from ml.lifetime_value.champion.classics import Classics
from ml.lifetime_value.champion.config import (
    BASE_MEAN,
    BOOSTED_CLASSICS,
    CLASSIC_BLEND,
    NAIVE_RATE,
    SUPERVISED,
    ChampionConfig,
)
from ml.lifetime_value.champion.examples import (
    OriginExamples,
    as_matrix,
    classics_as_of,
    examples_at,
    stacked_examples,
)
from ml.lifetime_value.champion.intervals import (
    CountDistribution,
    IntervalWidths,
    calibrated_widths,
    count_distribution,
    needed_level,
)
from ml.lifetime_value.champion.learners import Learner, learn
from ml.lifetime_value.champion.plan import TrainingPlan, training_plan
from ml.lifetime_value.champion.selection import Choice, choose, trusted_classics, with_level
from ml.lifetime_value.purchases import PurchaseLog, feature_frame
from ml.lifetime_value.purchases.log import FloatArray
from ml.threads import one_thread

# Fewer purchases after the latest training origin than this teach a booster nothing.
LEAST_EVENTS = 100


@dataclass(frozen=True)
class Refusal:
    """Why no champion could be learnt, and which BTYD models failed."""

    reason: str
    model_reasons: dict[str, str]


@dataclass(frozen=True)
class Champion:
    """
    A champion as of a day, for one horizon, and its forecast for every customer known then.

    Parameters
    ----------
    plan
        Where it learnt.
    choice
        What it is made of.
    classics
        BTYD models fitted on everything known.
    forecasts
        Expected purchases over the horizon by candidate, baselines included.
    forecast, uncalibrated
        The champion's, and the same with the level the classics have.
    distribution, widths
        Predictive distribution and the levels of its intervals.
    reason
        Why it must not speak; empty when it may.
    model_reasons
        Why BTYD models are missing.
    latest, latest_forecast, latest_distribution
        Examples of the latest training origin, the champion's out-of-fold forecast for them, and
        its distribution.
    """

    plan: TrainingPlan
    horizon_days: int
    choice: Choice
    classics: Classics
    forecasts: dict[str, FloatArray]
    forecast: FloatArray
    uncalibrated: FloatArray
    distribution: CountDistribution
    widths: IntervalWidths
    reason: str
    model_reasons: dict[str, str]
    latest: OriginExamples
    latest_forecast: FloatArray
    latest_distribution: CountDistribution

    def interval(self) -> tuple[FloatArray, FloatArray]:
        """Return lower and upper bound of each customer's purchases, both included."""
        return self.widths.interval(self.distribution, self.forecast / self.horizon_days)


@one_thread
def learn_champion(
    log: PurchaseLog, as_of: int, horizon_days: int, config: ChampionConfig, seed: int
) -> Champion | Refusal:
    """
    Learn the champion of a horizon from what was known on the morning of `as_of`.

    Parameters
    ----------
    log
        The purchase log; whatever lies on or after `as_of` is cut off first.
    as_of
        Day number of the first day that is not known.
    horizon_days
        Length of the forecast.
    config
        How to learn.
    seed
        Of sampling and boosters.
    """
    known = log.before(as_of)
    refusal = _too_little(known, config)
    if refusal:
        return Refusal(refusal, {})
    plan = training_plan(known.first_day, as_of, horizon_days, config.training_origins)
    if not plan.origins:
        return Refusal(
            f"{as_of - known.first_day} days of history are too few to test any forecast on.", {}
        )
    origins, model_reasons = examples_at(known, plan, config, seed)
    classics = classics_as_of(known, as_of, config)
    model_reasons = model_reasons | dict(classics.reasons)
    if origins:
        classics = classics.only(set(classics.models) & set(origins[0].forecasts))
    if not origins or not classics.models:
        return Refusal(
            "No purchase model converges at every origin: " + " ".join(model_reasons.values()),
            model_reasons,
        )
    return _learnt(known, as_of, horizon_days, plan, origins, classics, model_reasons, config, seed)


def _too_little(known: PurchaseLog, config: ChampionConfig) -> str:
    """Return why there is nothing to learn from, or an empty text."""
    if known.day.size == 0:
        return "There is no purchase before the as-of date."
    repeats = int((np.bincount(known.customer) > 1).sum())
    least = config.models.min_repeat_customers
    if repeats < least:
        return (
            f"Only {repeats} of {known.customer_ids.size} customers have a repeat purchase, fewer "
            f"than the {least} required."
        )
    return ""


def _learnt(
    known: PurchaseLog,
    as_of: int,
    horizon_days: int,
    plan: TrainingPlan,
    origins: list[OriginExamples],
    classics: Classics,
    model_reasons: dict[str, str],
    config: ChampionConfig,
    seed: int,
) -> Champion:
    """Learn, choose and forecast, when there is enough for it."""
    trusted = trusted_classics(
        {
            name: np.concatenate([each.forecasts[name] for each in origins])
            for name in classics.models
        },
        np.concatenate([each.purchases for each in origins]),
        config,
    )
    origins = [each.anchored(trusted) for each in origins]
    features = feature_frame(known, as_of, plan.horizon_days).join(
        classics.features(plan.horizon_days)
    )
    examples = stacked_examples(origins, features)
    latest = origins[0]
    mean = float(examples.purchases.mean())
    correction = free = None
    if latest.events >= LEAST_EVENTS:
        trees = config.for_events(latest.events)
        correction = learn(examples, examples.anchor, trees, seed)
        if plan.horizon_days == horizon_days:
            free = learn(examples, np.full(len(examples.anchor), mean), trees, seed)
    # What was learnt over a shorter horizon holds for that share of a longer one.
    trust = latest.events / (latest.events + config.events_of_half_trust)
    trust *= plan.horizon_days / horizon_days
    choice = choose(examples.anchor, examples.purchases, correction, free, trust)
    matrix = as_matrix(features, examples.columns)
    forecasts = classics.forecasts(horizon_days) | classics.baselines(horizon_days)
    forecasts[CLASSIC_BLEND] = np.mean([forecasts[name] for name in sorted(trusted)], axis=0)
    anchor = forecasts[CLASSIC_BLEND]
    log_correction, log_free = np.zeros_like(anchor), np.zeros_like(anchor)
    if correction is not None:
        log_correction = correction.log_factor(matrix, choice.correction_steps)
        forecasts[BOOSTED_CLASSICS] = anchor * np.exp(log_correction)
    if free is not None:
        log_free = np.log(mean) + free.log_factor(matrix, choice.free_steps) - np.log(anchor)
        forecasts[SUPERVISED] = anchor * np.exp(log_free)

    def stacked(base: FloatArray, first: FloatArray, second: FloatArray) -> FloatArray:
        log_factor = choice.correction_weight * first + choice.free_weight * second
        return base * np.exp(log_factor)

    raw = stacked(anchor, log_correction, log_free)
    forecast = with_level(raw, anchor, config)
    seen = _out_of_fold(latest, correction, free, examples.is_latest, mean, choice)
    latest_forecast = with_level(stacked(latest.anchor, *seen), latest.anchor, config)
    tested = count_distribution(latest_forecast, latest.anchor, latest.p_alive, latest.rate_shape)
    widths = calibrated_widths(
        needed_level(tested, latest.purchases),
        1.0 - tested.p_any() >= config.interval_share,
        latest_forecast / plan.horizon_days,
        config,
    )
    return Champion(
        plan,
        horizon_days,
        choice,
        classics,
        forecasts,
        forecast,
        forecast * (float(anchor.sum()) / float(forecast.sum())),
        count_distribution(forecast, anchor, classics.p_alive(), classics.rate_shape()),
        widths,
        reason_to_abstain(latest_forecast, latest, config),
        model_reasons,
        latest,
        latest_forecast,
        tested,
    )


def _out_of_fold(
    latest: OriginExamples,
    correction: Learner | None,
    free: Learner | None,
    is_latest: NDArray[np.bool_],
    mean: float,
    choice: Choice,
) -> tuple[FloatArray, FloatArray]:
    """Return the learners' log factors for the latest origin, each by a booster that never saw it."""
    nothing = np.zeros_like(latest.anchor)
    first = (
        nothing
        if correction is None
        else correction.out_of_fold[choice.correction_steps, is_latest]
    )
    second = (
        nothing
        if free is None
        else np.log(mean) + free.out_of_fold[choice.free_steps, is_latest] - np.log(latest.anchor)
    )
    return first, second


def reason_to_abstain(forecast: FloatArray, latest: OriginExamples, config: ChampionConfig) -> str:
    """Return why a forecast that did so at an origin must not speak, or an empty text."""
    baselines = {name: latest.forecasts[name] for name in (NAIVE_RATE, BASE_MEAN)}
    return judged(forecast, latest.purchases, baselines, config)


def judged(
    forecast: FloatArray,
    observed: FloatArray,
    baselines: dict[str, FloatArray],
    config: ChampionConfig,
    where: str = "at an earlier origin",
) -> str:
    """
    Return why a forecast beats no baseline, or an empty text.

    It needs a lower RMSE than the naive rate and the base's mean, and it must know customers
    apart: its Poisson loss has to be lower than that of its own mean for everybody, by
    `config.least_z` standard errors. Else a right level alone would pass for insight.
    """
    if not observed.any():
        return f"Nobody bought anything {where}, so nothing can be tested."
    own = rmse(forecast, observed)
    for name, values in baselines.items():
        if own >= rmse(values, observed):
            return (
                f"The RMSE {where} is {own:.4f}, no better than "
                f"{rmse(values, observed):.4f} by the baseline {name}."
            )
    mean = float(forecast.mean())
    gain = observed * np.log(forecast / mean) - (forecast - mean)
    error = float(gain.std(ddof=1)) / np.sqrt(gain.size) if gain.size > 1 else np.inf
    if not float(gain.mean()) > config.least_z * error:
        return (
            f"It doesn't know customers apart: one number for everybody does as well {where} "
            f"(gain {gain.mean():.4f}, standard error {error:.4f})."
        )
    return ""
