"""Judging rankings on the next basket: recall and NDCG at ten, against rivals that cost nothing.

Metrics and the backtest; what is learned is `ranker`'s matter.

References
----------
.. [1] Järvelin, K. and Kekäläinen, J. (2002). Cumulated gain-based evaluation of IR techniques. ACM
   TOIS 20 (NDCG; a bought product has gain 1, the ideal puts min(k, basket size) first).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ml.recommendations.candidates import State, candidates_of
from ml.recommendations.config import RecommendationConfig
from ml.recommendations.histories import FloatArray, IntArray, Lines
from ml.recommendations.ranker import chunks, sampled

Scorer = Callable[[pd.DataFrame], FloatArray]
CUT = 10


@dataclass(frozen=True)
class BasketMetrics:
    """Means over customers with a next basket."""

    recall: float
    ndcg: float
    hit_share: float
    customers: int
    by_customer: FloatArray = field(default_factory=lambda: np.zeros(0), compare=False)

    def as_dict(self) -> dict[str, float]:
        """Return the metrics by name."""
        return {
            f"recall_at_{CUT}": self.recall,
            f"ndcg_at_{CUT}": self.ndcg,
            f"hit_share_at_{CUT}": self.hit_share,
        }


def top_products(frame: pd.DataFrame, score: FloatArray, most: int) -> pd.DataFrame:
    """Return each customer's best products: customer, product, score, rank and their row in `frame`."""
    order = np.lexsort((frame["product"].to_numpy(), -score, frame["customer"].to_numpy()))
    ordered = pd.DataFrame(
        {
            "customer": frame["customer"].to_numpy()[order],
            "product": frame["product"].to_numpy()[order],
            "score": score[order],
            "row": order,
        }
    )
    ordered["rank"] = ordered.groupby("customer").cumcount() + 1
    return ordered[ordered["rank"] <= most].reset_index(drop=True)


def basket_metrics(top: pd.DataFrame, bought: Lines, customers: IntArray) -> BasketMetrics:
    """
    Compare top products with next baskets.

    Parameters
    ----------
    top
        `customer`, `product` and `rank` from 1; ranks beyond ten are not looked at.
    bought
        Next baskets.
    customers
        Judged customers; who got no recommendation scores 0.
    """
    truth = pd.DataFrame({"customer": bought.customer, "product": bought.product}).drop_duplicates()
    truth = truth[truth["customer"].isin(customers)]
    size = truth.groupby("customer").size().reindex(customers).fillna(0).to_numpy()
    hits = top[top["rank"] <= CUT].merge(truth, on=["customer", "product"])
    gain = 1 / np.log2(hits["rank"].to_numpy() + 1)
    found = hits.groupby("customer").size().reindex(customers).fillna(0).to_numpy()
    by_customer = pd.Series(gain).groupby(hits["customer"].to_numpy()).sum()
    gained = by_customer.reindex(customers).fillna(0).to_numpy()
    ideal = np.concatenate([[0.0], np.cumsum(1 / np.log2(np.arange(1, CUT + 1) + 1))])
    judged = size > 0
    if not judged.any():
        return BasketMetrics(0.0, 0.0, 0.0, 0)
    best = ideal[np.minimum(size[judged], CUT).astype(np.int64)]
    ndcg = gained[judged] / best
    return BasketMetrics(
        recall=float((found[judged] / size[judged]).mean()),
        ndcg=float(ndcg.mean()),
        hit_share=float((found[judged] > 0).mean()),
        customers=int(judged.sum()),
        by_customer=ndcg,
    )


def judged_customers(
    state: State, bought: Lines, config: RecommendationConfig, seed: int
) -> IntArray:
    """Return customers with a history and a next basket, as many as are learned from on a date."""
    has_history = state.history.customers["baskets"].notna().to_numpy()
    customers = np.unique(bought.customer[has_history[bought.customer]])
    return sampled(customers, config.training_customers, seed)


def judge(
    state: State,
    bought: Lines,
    scorers: Mapping[str, Scorer],
    customers: IntArray,
    config: RecommendationConfig,
) -> dict[str, BasketMetrics]:
    """Return the metrics of several scorers on the same candidates."""
    tops: dict[str, list[pd.DataFrame]] = {name: [] for name in scorers}
    for chunk in chunks(customers, config.chunk):
        frame = candidates_of(state, chunk, config)
        for name, scorer in scorers.items():
            tops[name].append(top_products(frame, scorer(frame), CUT))
    return {
        name: basket_metrics(pd.concat(parts, ignore_index=True), bought, customers)
        for name, parts in tops.items()
    }
