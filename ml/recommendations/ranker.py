"""Weighing the evidence: a ranker learned on the next baskets after earlier dates.

Learning and scoring only; candidates come from `candidates`, judging is `backtest`.

References
----------
.. [1] The target is a product's share of the square root of its basket, fitted by Poisson loss: mean
   recall counts a small basket's product for more than a large one's, NDCG for less than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from ml.recommendations.candidates import FEATURES, State, Views, candidates_of
from ml.recommendations.config import RecommendationConfig
from ml.recommendations.histories import FloatArray, IntArray, Lines, history_at
from ml.recommendations.similarity import compatible_shares, similarity_at

_SHARE_OF_OTHERS = 0.5
_SHORTEST_HORIZON, _LONGEST_HORIZON = 28, 120


@dataclass(frozen=True)
class Example:
    """Candidates at a past date with what was bought next."""

    features: pd.DataFrame
    target: FloatArray


@dataclass(frozen=True)
class Evidence:
    """
    What scores rest on, of all times up to the as-of date.

    Parameters
    ----------
    lines
        Purchases.
    views
        Products looked at.
    fits
        Numbers of an owned product and of one that goes with it.
    """

    lines: Lines
    views: Views
    fits: tuple[IntArray, IntArray]

    def state_at(self, day: float, config: RecommendationConfig, seed: int) -> State:
        """Return what was known at a moment."""
        history = history_at(self.lines, day, config)
        return State(
            history,
            similarity_at(history, self.lines, config, seed),
            self.views.at(day, config.browsing_days),
            compatible_shares(history, self.fits),
        )


def chunks(customers: IntArray, size: int) -> Iterator[IntArray]:
    """Yield customers so many at a time."""
    for start in range(0, len(customers), size):
        yield customers[start : start + size]


def sampled(customers: IntArray, most: int, seed: int) -> IntArray:
    """Return so many customers at most, ascending."""
    if len(customers) <= most:
        return customers
    return np.sort(np.random.default_rng(seed).permutation(customers)[:most])


def examples(state: State, bought: Lines, config: RecommendationConfig, seed: int) -> list[Example]:
    """
    Return candidates of customers with a history and a next basket, and what they bought.

    Half of the candidates that were not bought is left out at random, which leaves the order of
    scores as it is.
    """
    has_history = state.history.customers["baskets"].notna().to_numpy()
    customers = np.unique(bought.customer[has_history[bought.customer]])
    customers = sampled(customers, config.training_customers, seed)
    size = np.bincount(bought.customer, minlength=len(has_history))
    count = len(state.history.products)
    truth = np.unique(bought.customer * count + bought.product)
    rng = np.random.default_rng(seed)
    found = []
    for chunk in chunks(customers, config.chunk):
        frame = candidates_of(state, chunk, config)
        key = frame["customer"].to_numpy() * count + frame["product"].to_numpy()
        is_bought = np.isin(key, truth)
        kept = is_bought | (rng.random(len(frame)) < _SHARE_OF_OTHERS)
        target = is_bought / np.sqrt(np.maximum(size[frame["customer"].to_numpy()], 1))
        found.append(
            Example(frame.loc[kept, list(FEATURES)].astype(np.float32), target[kept].astype(float))
        )
    return found


def examples_before(
    evidence: Evidence, day: float, horizon: int, config: RecommendationConfig, seed: int
) -> list[Example]:
    """
    Return examples of several past dates, a horizon apart; none from before the first purchase.

    The next baskets of the latest one come before `day`.
    """
    found: list[Example] = []
    for number in range(1, config.training_baskets + 1):
        cut = day - number * horizon
        if len(evidence.lines) and float(evidence.lines.day.min()) < cut:
            state = evidence.state_at(cut, config, seed)
            bought = evidence.lines.next_baskets(cut, cut + horizon)
            found.extend(examples(state, bought, config, seed))
    return found


def horizon_days(lines: Lines) -> int:
    """Return twice the usual days between a customer's baskets, within four weeks and four months."""
    starts = pd.DataFrame({"customer": lines.customer, "basket": lines.basket, "day": lines.day})
    starts = starts.drop_duplicates("basket")
    gap = starts.groupby("customer")["day"].diff().dropna()
    usual = 2 * float(gap.median()) if len(gap) else float(_LONGEST_HORIZON)
    return int(np.clip(np.ceil(usual), _SHORTEST_HORIZON, _LONGEST_HORIZON))


def fit_ranker(parts: Sequence[Example], seed: int) -> HistGradientBoostingRegressor | None:
    """Fit the ranker; None when nothing that was bought is among the candidates."""
    target = np.concatenate([part.target for part in parts]) if parts else np.zeros(0)
    if not (target > 0).any():
        return None
    features = pd.concat([part.features for part in parts], ignore_index=True)
    return HistGradientBoostingRegressor(
        loss="poisson",
        max_iter=150,
        learning_rate=0.06,
        max_leaf_nodes=16,
        min_samples_leaf=int(np.clip(len(target) // 1_000, 20, 500)),
        l2_regularization=1.0,
        early_stopping=False,
        random_state=seed,
    ).fit(features, target)


def ranker_scores(ranker: HistGradientBoostingRegressor, frame: pd.DataFrame) -> FloatArray:
    """Return scores of candidates, of which there may be none."""
    if frame.empty:
        return np.zeros(0)
    return np.asarray(ranker.predict(frame[list(FEATURES)].astype(np.float32)), dtype=np.float64)


def blend_scores(frame: pd.DataFrame) -> FloatArray:
    """Return frequency and neighbours with fixed weights (after UP-CF@r): nothing is learned."""
    return np.asarray(
        0.6 * frame["long_share"]
        + 0.4 * frame["neighbours"]
        + 0.1 * (frame["together"] + frame["compatible"])
        + 1e-9 * frame["lines"],
        dtype=np.float64,
    )


def frequency_scores(frame: pd.DataFrame) -> FloatArray:
    """Return how often the customer bought it, popular products first among equals."""
    most = max(float(frame["lines"].max()), 1.0)
    return np.asarray(frame["n"] + 0.5 * frame["lines"] / most, dtype=np.float64)


def popularity_scores(frame: pd.DataFrame) -> FloatArray:
    """Return how often everybody bought it lately."""
    return np.asarray(frame["popular"] + 1e-9 * frame["lines"], dtype=np.float64)


def with_fitting(
    scorer: Callable[[pd.DataFrame], FloatArray],
) -> Callable[[pd.DataFrame], FloatArray]:
    """
    Return a baseline's scores with products that go with owned ones above the merely popular ones.

    What fits is known, not learned, so it holds when nothing can be learned as well.
    """

    def scores(frame: pd.DataFrame) -> FloatArray:
        own = scorer(frame)
        is_new = (frame["n"] == 0).to_numpy()
        fits = is_new & (frame["compatible"] > 0).to_numpy()
        highest = float(own[is_new].max()) if is_new.any() else 0.0
        return np.where(fits, highest + frame["compatible"].to_numpy(), own)

    return scores
