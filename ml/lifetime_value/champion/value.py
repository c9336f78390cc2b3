"""Value over a horizon with its interval: purchases times value, widened until it covered.

The parts come from `learn` and `spend`; nothing about time or models is decided here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from ml.lifetime_value.champion.config import ChampionConfig
from ml.lifetime_value.champion.intervals import (
    CountDistribution,
    IntervalWidths,
    calibrated_widths,
    central_interval,
)
from ml.lifetime_value.champion.learn import Champion
from ml.lifetime_value.champion.spend import SpendChoice, choose_spend, value_forecasts
from ml.lifetime_value.purchases import PurchaseLog
from ml.lifetime_value.purchases.log import FloatArray

LEVEL_STEPS = np.linspace(0.0, 0.99, 34)


@dataclass(frozen=True)
class ValueForecast:
    """
    Value over the horizon of every customer of the as-of day.

    Parameters
    ----------
    choice
        The value model and why it abstains, if it does.
    expected_value
        Of one purchase day; None when abstaining.
    total, lower, upper
        Net value over the horizon and its interval; None when abstaining.
    """

    choice: SpendChoice
    expected_value: FloatArray | None = None
    total: FloatArray | None = None
    lower: FloatArray | None = None
    upper: FloatArray | None = None


def value_forecast(
    log: PurchaseLog, as_of: int, champion: Champion, config: ChampionConfig
) -> ValueForecast:
    """Return the value over the champion's horizon, learnt from what was known at `as_of`."""
    known = log.before(as_of)
    origin, learnt = champion.plan.origins[0], champion.plan.horizon_days
    choice = choose_spend(known, origin, learnt, config.models)
    if choice.model is None:
        return ValueForecast(choice)
    expected = value_forecasts(known, as_of, config.models).get(choice.model)
    if expected is None:
        return ValueForecast(
            SpendChoice(
                None, f"{choice.model} can't be fitted on all data.", choice.metrics, choice.spread
            )
        )
    widths = _tested_widths(known, champion, choice, config)
    daily = champion.forecast / champion.horizon_days * expected
    lower, upper = _bounds(champion.distribution, expected, widths.level(daily), choice.spread)
    total = champion.forecast * expected
    return ValueForecast(choice, expected, total, lower, upper)


def _tested_widths(
    known: PurchaseLog, champion: Champion, choice: SpendChoice, config: ChampionConfig
) -> IntervalWidths:
    """Return the levels with which intervals of value covered after the latest training origin."""
    latest = champion.latest
    assert choice.model is not None  # the caller's case
    past = known.before(latest.origin)
    codes = known.known_customers(latest.origin)
    sampled = np.searchsorted(codes, latest.customer)
    forecasts = value_forecasts(past, latest.origin, config.models)
    expected = forecasts[choice.model][sampled]
    needed = np.full(latest.value.size, LEVEL_STEPS[-1])
    for level in LEVEL_STEPS[::-1]:
        lower, upper = _bounds(
            champion.latest_distribution,
            expected,
            np.full(latest.value.size, level),
            choice.spread,
        )
        needed[(latest.value >= lower) & (latest.value <= upper)] = level
    forced = 1.0 - champion.latest_distribution.p_any() >= config.interval_share
    daily = champion.latest_forecast / champion.plan.horizon_days * expected
    return calibrated_widths(needed, forced, daily, config)


def _bounds(
    distribution: CountDistribution, expected: FloatArray, level: FloatArray, spread: float
) -> tuple[FloatArray, FloatArray]:
    """Return bounds of value: those of the count, each at a low or high mean value of so many."""
    fewest, most = central_interval(distribution, level)
    deviation = ndtri((1.0 + level) / 2.0) * spread
    return (
        fewest * expected * np.exp(-deviation / np.sqrt(np.maximum(fewest, 1.0))),
        most * expected * np.exp(deviation / np.sqrt(np.maximum(most, 1.0))),
    )
