"""What the learners see: features, BTYD opinions and outcomes of customers at earlier origins.

Built from the purchase log alone; learning is `learners`' matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.lifetime_value.champion.classics import Classics, fit_classics
from ml.lifetime_value.champion.config import CLASSIC_BLEND, ChampionConfig
from ml.lifetime_value.champion.plan import TrainingPlan
from ml.lifetime_value.purchases import (
    PurchaseLog,
    feature_frame,
    outcome_after,
    summary_before,
)
from ml.lifetime_value.purchases.log import FloatArray, IntArray


@dataclass(frozen=True)
class OriginExamples:
    """
    The (sampled) customers of one origin.

    Parameters
    ----------
    origin
        First day not known.
    customer
        Codes in the log of the as-of day.
    features
        As-of features and BTYD opinions.
    forecasts
        Forecasts of classics and baselines over the learnt horizon, by name.
    p_alive, rate_shape
        Of the classics' mixture.
    purchases, value
        The outcome.
    events
        Purchases of all customers of the origin, sampled or not.
    """

    origin: int
    customer: IntArray
    features: pd.DataFrame
    forecasts: dict[str, FloatArray]
    p_alive: FloatArray
    rate_shape: FloatArray
    purchases: FloatArray
    value: FloatArray
    events: float

    def anchored(self, names: set[str]) -> OriginExamples:
        """Return the same with the mean of some classics only as anchor."""
        mean = np.mean([self.forecasts[name] for name in sorted(names)], axis=0)
        return replace(self, forecasts=self.forecasts | {CLASSIC_BLEND: mean})

    @property
    def anchor(self) -> FloatArray:
        """Return the mean of the classics' forecasts."""
        return self.forecasts[CLASSIC_BLEND]


@dataclass(frozen=True)
class Examples:
    """
    All origins' examples, one below the other, the latest origin first.

    Parameters
    ----------
    matrix
        Features by `columns`, as float32.
    purchases, anchor
        Outcome and anchor.
    customer
        Code of the customer, at every origin the same.
    is_latest
        Whether the row is of the latest origin.
    """

    columns: tuple[str, ...]
    matrix: NDArray[np.float32]
    purchases: FloatArray
    anchor: FloatArray
    customer: IntArray
    is_latest: NDArray[np.bool_]


def classics_as_of(log: PurchaseLog, origin: int, config: ChampionConfig) -> Classics:
    """Return the classics fitted on everything known at an origin."""
    return fit_classics(summary_before(log.before(origin), origin), config.models)


def sampled_customers(log: PurchaseLog, config: ChampionConfig, seed: int) -> IntArray:
    """Return codes of the customers to learn from: every n-th by number of purchase days."""
    wanted = max(config.max_training_rows // config.training_origins, 1)
    size = log.customer_ids.size
    if size <= wanted:
        return np.arange(size)
    days = np.bincount(log.customer, minlength=size)
    order = np.lexsort((np.random.default_rng(seed).random(size), days))
    places = np.floor((np.arange(wanted) + 0.5) * size / wanted).astype(np.int64)
    return np.sort(order[places])


def origin_examples(
    log: PurchaseLog, sample: IntArray, origin: int, horizon_days: int, classics: Classics
) -> OriginExamples:
    """Return the examples of one origin; `classics` are those fitted as of it."""
    known, codes = log.before(origin), log.known_customers(origin)
    kept = np.isin(codes, sample)
    outcome = outcome_after(log, origin, horizon_days)
    forecasts = classics.forecasts(horizon_days) | classics.baselines(horizon_days)
    return OriginExamples(
        origin,
        codes[kept],
        feature_frame(known.of_customers(np.flatnonzero(kept)), origin, horizon_days).join(
            classics.features(horizon_days)[kept].reset_index(drop=True)
        ),
        {name: values[kept] for name, values in forecasts.items()},
        classics.p_alive()[kept],
        classics.rate_shape()[kept],
        outcome.purchases[kept],
        outcome.value[kept],
        float(outcome.purchases.sum()),
    )


def stacked_examples(origins: Sequence[OriginExamples], now: pd.DataFrame) -> Examples:
    """
    Put the origins' examples below each other.

    With the features that all of them know, and that are known `now`, as of the forecast's day.
    """
    frames = [now, *(each.features for each in origins)]
    columns = tuple(
        name
        for name in origins[0].features.columns
        if all(name in frame and frame[name].notna().any() for frame in frames)
    )
    customers = np.concatenate([each.customer for each in origins])
    sizes = [each.customer.size for each in origins]
    return Examples(
        columns,
        np.concatenate([as_matrix(each.features, columns) for each in origins]),
        np.concatenate([each.purchases for each in origins]),
        np.concatenate([each.anchor for each in origins]),
        customers,
        np.repeat(np.arange(len(origins)) == 0, sizes),
    )


def as_matrix(features: pd.DataFrame, columns: Sequence[str]) -> NDArray[np.float32]:
    """Return features as trees take them; what the frame doesn't know is missing."""
    return features.reindex(columns=list(columns)).to_numpy(dtype=np.float32)


def examples_at(
    log: PurchaseLog, plan: TrainingPlan, config: ChampionConfig, seed: int
) -> tuple[list[OriginExamples], dict[str, str]]:
    """
    Return the examples of the plan's origins, and why models are left out.

    Only models that converge at every origin take part, so that the anchor means one thing.
    """
    fitted = [classics_as_of(log, origin, config) for origin in plan.origins]
    common = set.intersection(*(set(classics.models) for classics in fitted))
    reasons = {name: why for classics in fitted for name, why in classics.reasons.items()}
    if not common:
        return [], reasons
    sample = sampled_customers(log, config, seed)
    return [
        origin_examples(log, sample, origin, plan.horizon_days, classics.only(common))
        for origin, classics in zip(plan.origins, fitted, strict=True)
    ], reasons
