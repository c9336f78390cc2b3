"""Products that a customer may want next, and what speaks for each of them.

Candidates and features at a moment, by chunk of customers. Not in here: weighing the features (`ranker`)
and what may not be offered (`rules`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from ml.recommendations.config import RecommendationConfig
from ml.recommendations.histories import FloatArray, History, IntArray, rows_of
from ml.recommendations.similarity import Similarity

FEATURES = (
    "n", "share", "short_share", "long_share", "basket_share", "last", "first", "last_basket",
    "since_own_last", "baskets", "customer_last", "customer_first", "size", "popular", "lines",
    "buyers", "repeat_share", "cycle_days", "neighbours", "together", "factors", "own_cycle", "due",
    "due_usual", "views", "viewed_ago",
    "compatible",
)  # fmt: skip


@dataclass(frozen=True)
class Views:
    """Products looked at: customer and product numbers, day; any order."""

    customer: IntArray
    product: IntArray
    day: FloatArray

    def at(self, day: float, days: int) -> pd.DataFrame:
        """Return views and days since the latest of the last `days` before a day."""
        here = (self.day < day) & (self.day >= day - days)
        frame = pd.DataFrame(
            {
                "customer": self.customer[here],
                "product": self.product[here],
                "ago": day - self.day[here],
            }
        )
        return (
            frame.groupby(["customer", "product"], sort=True)["ago"]
            .agg(views="size", viewed_ago="min")
            .reset_index()
        )


@dataclass(frozen=True)
class State:
    """Everything known at a moment."""

    history: History
    similarity: Similarity
    views: pd.DataFrame
    compatible: sp.csr_matrix

    def compatible_with_owned(self, customers: IntArray) -> pd.DataFrame:
        """Return products that go with what customers own: customer, product, compatible (share)."""
        if self.compatible.nnz == 0:
            return pd.DataFrame({"customer": [], "product": [], "compatible": []}).astype(
                {"customer": "int64", "product": "int64", "compatible": "float64"}
            )
        pairs = rows_of(self.history.pairs, customers)
        row = np.searchsorted(customers, pairs["customer"].to_numpy())
        owned = sp.csr_matrix(
            (np.ones(len(row)), (row, pairs["product"].to_numpy())),
            shape=(len(customers), self.compatible.shape[0]),
        )
        found = (owned @ self.compatible).tocoo()
        return pd.DataFrame(
            {
                "customer": customers[found.row],
                "product": found.col.astype(np.int64),
                "compatible": found.data,
            }
        )


def candidates_of(state: State, customers: IntArray, config: RecommendationConfig) -> pd.DataFrame:
    """
    Return candidates with their features, sorted by customer and product.

    Parameters
    ----------
    state
        What is known.
    customers
        Numbers of customers with a history, ascending.
    config
        How many candidates of each kind.

    Returns
    -------
    pandas.DataFrame
        `customer`, `product` and `FEATURES`; what is not known (the cycle of something never bought)
        is -1.
    """
    history, similar = state.history, state.similarity
    near = similar.neighbour_scores(customers, config.neighbours)
    with_last = similar.together_scores(history, customers)
    own = _own(history, customers, config.own_candidates)
    count = len(history.products)
    keys = [own["customer"].to_numpy() * count + own["product"].to_numpy()]
    for scores in (near, with_last):
        keys.append(_best(scores, customers, similar.kept, count, config.other_candidates))
    popular = np.argsort(-history.products["popular"].to_numpy(), kind="stable")
    popular = popular[: config.other_candidates]
    keys.append((customers[:, None] * count + popular[None, :]).ravel())
    seen = rows_of(state.views, customers)
    keys.append(seen["customer"].to_numpy() * count + seen["product"].to_numpy())
    fitting = state.compatible_with_owned(customers)
    keys.append(fitting["customer"].to_numpy() * count + fitting["product"].to_numpy())
    key = np.unique(np.concatenate(keys))
    frame = pd.DataFrame({"customer": key // count, "product": key % count})
    frame = frame.merge(fitting, on=["customer", "product"], how="left", sort=False)
    return _featured(frame, state, customers, near, with_last)


def _own(history: History, customers: IntArray, most: int) -> pd.DataFrame:
    """Return each customer's products with the largest recent frequency."""
    pairs = rows_of(history.pairs, customers)[["customer", "product", "long"]]
    order = pairs.sort_values(["customer", "long", "product"], ascending=[True, False, True])
    return order[order.groupby("customer").cumcount() < most]


def _best(
    scores: NDArray[np.float32], customers: IntArray, kept: IntArray, count: int, most: int
) -> IntArray:
    """Return the keys of the products with the largest scores above 0; ties by number of product."""
    if scores.shape[1] > most:
        top = np.argsort(-scores, axis=1, kind="stable")[:, :most] if scores.shape[1] < 500 else (
            np.sort(np.argpartition(-scores, most, axis=1)[:, :most], axis=1)
        )  # fmt: skip
    else:
        top = np.tile(np.arange(scores.shape[1]), (len(customers), 1))
    is_real = np.take_along_axis(scores, top, axis=1) > 0
    keys = customers[:, None] * count + kept[top]
    return np.asarray(keys[is_real], dtype=np.int64)


def _featured(
    frame: pd.DataFrame,
    state: State,
    customers: IntArray,
    near: NDArray[np.float32],
    with_last: NDArray[np.float32],
) -> pd.DataFrame:
    history, similar = state.history, state.similarity
    customer, product = frame["customer"].to_numpy(), frame["product"].to_numpy()
    frame = frame.merge(
        rows_of(history.pairs, customers), on=["customer", "product"], how="left", sort=False
    )
    frame = frame.merge(
        rows_of(state.views, customers), on=["customer", "product"], how="left", sort=False
    )
    base = history.customers.iloc[customer]
    row = np.searchsorted(customers, customer)
    column = similar.place[product]
    is_kept = column >= 0
    features: dict[str, Any] = {}
    features["n"] = frame["n"].fillna(0)
    features["share"] = features["n"] / base["baskets"].to_numpy()
    for name, kind in (
        ("short_share", "short"),
        ("long_share", "long"),
        ("basket_share", "by_basket"),
    ):
        features[name] = frame[kind].fillna(0).to_numpy() / base[kind].to_numpy()
    for name in ("last", "first", "last_basket"):
        features[name] = frame[name]
    features["since_own_last"] = frame["last"].to_numpy() - base["last"].to_numpy()
    features["baskets"] = base["baskets"].to_numpy()
    features["customer_last"] = base["last"].to_numpy()
    features["customer_first"] = base["first"].to_numpy()
    features["size"] = base["size"].to_numpy()
    for name in ("popular", "lines", "buyers", "repeat_share", "cycle_days"):
        features[name] = history.products[name].to_numpy()[product]
    for name, scores in (("neighbours", near), ("together", with_last)):
        values = np.zeros(len(frame))
        values[is_kept] = scores[row[is_kept], column[is_kept]]
        features[name] = values
    features["factors"] = similar.factor_scores(customer, column)
    n = frame["n"].to_numpy()
    with np.errstate(all="ignore"):
        own_cycle = np.where(n > 1, (frame["first"] - frame["last"]) / (n - 1), np.nan)
        usual = features["cycle_days"]
        # A product's usual cycle counts as two intervals of one's own.
        expected = (np.where(n > 1, (n - 1) * own_cycle, 0) + 2 * usual) / (np.maximum(n, 1) + 1)
        features["due"] = frame["last"].to_numpy() / expected
        features["due_usual"] = frame["last"].to_numpy() / usual
    features["own_cycle"] = own_cycle
    features["views"] = frame["views"].fillna(0)
    features["viewed_ago"] = frame["viewed_ago"]
    features["compatible"] = frame["compatible"].fillna(0)
    # Unknown is below every number: trees then tell it apart, and nothing is missing.
    known = {name: np.nan_to_num(np.asarray(features[name]), nan=-1.0) for name in FEATURES}
    return pd.DataFrame({"customer": customer, "product": product, **known})
