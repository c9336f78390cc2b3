"""Made shops whose customers' habits are known, for the tests of recommendations."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ml.recommendations import RecommendationConfig

AS_OF = dt.date(2025, 7, 1)
FAST = RecommendationConfig(
    factors=4,
    neighbours=20,
    own_candidates=30,
    other_candidates=10,
    training_baskets=2,
    min_customers=20,
    chunk=64,
    min_support=5,
)


def grocer(customers: int, seed: int, *, habits: bool = True) -> pd.DataFrame:
    """Return half a year of weekly baskets.

    Customers have three products of a taste (A or B) that they buy in most weeks, one of the other
    taste that they used to buy often until April, and some at random. Without habits all is random.
    """
    rng = np.random.default_rng(seed)
    start = pd.Timestamp("2025-01-03")
    rows = []
    for number in range(customers):
        taste, other = ("A", "B") if number % 2 == 0 else ("B", "A")
        own = rng.choice(15, 3, replace=False)
        former = rng.integers(15)
        for week in range(25):
            if rng.random() < 0.15:
                continue
            at = start + pd.Timedelta(days=7 * week + int(rng.integers(0, 3)), hours=10)
            basket = [f"R{product}" for product in rng.choice(20, 2, replace=False)]
            if habits:
                basket += [f"{taste}{product}" for product in own if rng.random() < 0.7]
                basket += [f"{other}{former}"] if week < 13 else []
            else:
                letters = rng.choice(["A", "B"], 3)
                basket += [
                    f"{letter}{product}"
                    for letter, product in zip(letters, rng.choice(15, 3), strict=True)
                ]
            rows += [(f"C{number:03}", f"K{number}-{week}", product, at) for product in basket]
    return pd.DataFrame(rows, columns=["customer_id", "basket_id", "product_id", "purchased_at"])


def electronics(customers: int, seed: int) -> pd.DataFrame:
    """Return customers with a telephone each and, for most, its case some days later."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        model = int(rng.integers(3))
        at = pd.Timestamp("2025-01-01") + pd.Timedelta(days=int(rng.integers(0, 170)))
        rows.append((f"C{number:03}", f"phone {model}", at))
        if number % 3 and number > 5:
            rows.append((f"C{number:03}", f"case {model}", at + pd.Timedelta(days=3)))
    return pd.DataFrame(rows, columns=["customer_id", "product_id", "purchased_at"])
