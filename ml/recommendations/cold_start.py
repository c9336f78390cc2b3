"""Customers without a purchase: what they looked at, and what similar customers buy.

Popularity by segment; nothing is learned.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ml.recommendations.config import RecommendationConfig
from ml.recommendations.histories import History, Lines
from ml.recommendations.reasons import POPULAR, SEGMENT, VIEWED

# Customers of a segment from which its popularity says more than everybody's.
_SEGMENT_BUYERS = 30
_WINDOWS = 3


def segment_popularity(
    segments: pd.Series, history: History, lines: Lines, config: RecommendationConfig
) -> pd.DataFrame:
    """
    Return products by segment: segment, product, score (buyers per customer of the segment).

    Parameters
    ----------
    segments
        Segment by number of customer; missing where there is none.
    history, lines
        Of the as-of date.
    config
        Days by which popularity is judged; three times as many here, for segments are small.
    """
    pairs = history.pairs
    recent = pairs[pairs["last"] <= _WINDOWS * config.popular_days]
    recent = recent if len(recent) else pairs
    frame = pd.DataFrame(
        {
            "segment": segments.reindex(recent["customer"]).to_numpy(),
            "customer": recent["customer"].to_numpy(),
            "product": recent["product"].to_numpy(),
        }
    )
    everybody = frame.assign(segment="")
    frame = pd.concat([everybody, frame.dropna(subset="segment")], ignore_index=True)
    buyers = frame.groupby("segment")["customer"].nunique()
    large = buyers.index[(buyers >= _SEGMENT_BUYERS) | (buyers.index == "")]
    frame = frame[frame["segment"].isin(large)]
    counts = frame.groupby(["segment", "product"]).size().rename("count").reset_index()
    counts["score"] = counts["count"] / counts["segment"].map(buyers).to_numpy()
    return counts[["segment", "product", "score"]]


def cold_recommendations(
    cold: pd.DataFrame,
    views: pd.DataFrame,
    popularity: pd.DataFrame,
    is_offered: np.ndarray,
    config: RecommendationConfig,
) -> pd.DataFrame:
    """
    Return the best products of customers without a purchase.

    Parameters
    ----------
    cold
        `customer_id` and `segment` (missing where there is none), one row a customer.
    views
        `customer_id`, `product`, `views`, `viewed_ago` of these customers.
    popularity
        As `segment_popularity` returns it.
    is_offered
        By product.
    config
        How many products a customer gets.

    Returns
    -------
    pandas.DataFrame
        customer_id, product, score, rank, evidence, segment, views, viewed_ago.
    """
    popularity = popularity[is_offered[popularity["product"].to_numpy()]]
    popularity = popularity.sort_values(
        ["segment", "score", "product"], ascending=[True, False, True]
    )
    # Products looked at take places; so many of the popular ones are enough.
    best = popularity[popularity.groupby("segment").cumcount() < 2 * config.per_customer]
    known = set(best["segment"].unique().tolist())
    customers = cold[["customer_id", "segment"]].copy()
    in_segment = customers["segment"].isin(list(known)).fillna(False).to_numpy(dtype=bool)
    customers["segment"] = customers["segment"].astype(object).where(in_segment, "")
    offers = customers.merge(best, on="segment")
    seen = views[is_offered[views["product"].to_numpy()]].merge(customers, on="customer_id")
    # Above every popularity, the latest first.
    seen = seen.assign(score=1 + 1 / (1 + seen["viewed_ago"]), evidence=VIEWED)
    offers = offers.assign(
        evidence=np.where(offers["segment"] == "", POPULAR, SEGMENT), views=0.0, viewed_ago=0.0
    )
    rows = pd.concat([seen, offers], ignore_index=True)
    rows = rows.sort_values(["customer_id", "score", "product"], ascending=[True, False, True])
    rows = rows.drop_duplicates(["customer_id", "product"])
    rows["rank"] = rows.groupby("customer_id").cumcount() + 1
    return rows[rows["rank"] <= config.per_customer].reset_index(drop=True)
