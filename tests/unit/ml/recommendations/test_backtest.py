"""Recall, NDCG and affinities against hand-counted examples."""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest

from ml.recommendations.affinities import product_affinities
from ml.recommendations.backtest import basket_metrics, top_products
from ml.recommendations.config import RecommendationConfig
from ml.recommendations.frames import known_purchases
from ml.recommendations.histories import history_at, numbered

NONE = np.zeros(0, dtype=np.int64)


def purchases(rows: list[tuple[str, str, str]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["customer_id", "purchased_at", "product_id"])


def test_metrics_of_two_customers() -> None:
    bought = numbered(
        known_purchases(
            purchases(
                [("a", "2025-01-01", "p"), ("a", "2025-01-01", "q"), ("b", "2025-01-02", "r")]
            ),
            dt.date(2026, 1, 1),
        )
    )
    top = pd.DataFrame({"customer": [0, 0, 1], "product": [0, 2, 0], "rank": [1, 2, 1]})
    found = basket_metrics(top, bought, np.array([0, 1]))

    assert found.recall == pytest.approx((0.5 + 0) / 2)
    assert found.ndcg == pytest.approx((1 / (1 + 1 / math.log2(3))) / 2)
    assert found.hit_share == 0.5


def test_equal_scores_are_ordered_by_product() -> None:
    frame = pd.DataFrame({"customer": [0, 0, 0], "product": [2, 0, 1]})
    top = top_products(frame, np.array([1.0, 1.0, 2.0]), 2)
    assert top["product"].tolist() == [1, 0] and top["row"].tolist() == [2, 1]


def test_next_baskets_are_the_first_ones() -> None:
    lines = numbered(
        known_purchases(
            purchases([("a", f"2025-01-0{day}", f"p{day}") for day in (1, 3, 5)]),
            dt.date(2026, 1, 1),
        )
    )
    day = float((pd.Timestamp("2025-01-02") - pd.Timestamp("1970-01-01")).days)
    assert lines.next_baskets(day, day + 30).product.tolist() == [1]
    assert lines.next_baskets(day, day + 1).product.tolist() == []
    pairs = history_at(lines, day + 3, RecommendationConfig()).pairs
    assert pairs["last"].tolist() == [4, 2]


def test_lift_of_a_pair() -> None:
    rows = []
    for number in range(40):
        at = f"2025-01-{1 + number % 28:02}"
        basket = ("bread", "butter") if number < 12 else ("bread",) if number < 20 else ("milk",)
        rows += [(f"c{number}", at, product) for product in basket]
    lines = numbered(known_purchases(purchases(rows), dt.date(2026, 1, 1)))
    found = product_affinities(lines, (NONE, NONE), dt.date(2026, 1, 1), RecommendationConfig())

    pair = found.set_index("product_id").loc["butter"]
    assert (pair["other_product_id"], pair["baskets_together"]) == ("bread", 12)
    assert pair["support"] == pytest.approx(12 / 40)
    assert pair["confidence"] == 1.0
    assert pair["lift"] == pytest.approx(2.0)
    assert len(found) == 2


def test_one_household_is_no_affinity() -> None:
    rows = [("c", f"2025-01-{day:02}", product) for day in range(1, 29) for product in ("x", "y")]
    rows += [(f"other {number}", "2025-02-01", "z") for number in range(60)]
    lines = numbered(known_purchases(purchases(rows), dt.date(2026, 1, 1)))
    assert product_affinities(
        lines, (NONE, NONE), dt.date(2026, 1, 1), RecommendationConfig()
    ).empty
