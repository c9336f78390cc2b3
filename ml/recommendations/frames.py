"""Shape of the frames that come in and go out: columns, types and the checks on input.

No scores in here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ml.recommendations.config import RecommendationError

PURCHASE_COLUMNS = ("customer_id", "product_id", "purchased_at")
RECOMMENDATION_TYPES: Mapping[str, str] = {
    "customer_id": "string",
    "as_of_date": "datetime64[us]",
    "rank": "int64",
    "product_id": "string",
    "score": "float64",
    "evidence": "string",
    "reason": "string",
    "reason_es": "string",
    "model": "string",
    "model_version": "string",
    "is_abstaining": "bool",
}
AFFINITY_TYPES: Mapping[str, str] = {
    "product_id": "string",
    "other_product_id": "string",
    "as_of_date": "datetime64[us]",
    "rank": "int64",
    "kind": "string",
    "baskets_together": "Int64",
    "support": "Float64",
    "confidence": "Float64",
    "lift": "Float64",
}


@dataclass(frozen=True)
class RecommendationInputs:
    """
    What is known; only purchases are required.

    Parameters
    ----------
    purchases
        One row a line bought, returns left out: `customer_id, product_id, purchased_at`, and
        `basket_id` where there is one (else a customer's day is a basket).
    products
        `product_id`, and any of `product_name`, `category`, `renewal_days` (a customer who bought in
        the category is offered nothing of it for so long), `is_recommendable`, `is_in_stock`.
    browsing
        One row a product looked at: `customer_id, product_id, viewed_at`.
    compatibility
        Products that talk to each other: `product_id` (owned), `compatible_product_id`.
    customers
        `customer_id` and `segment`; customers without a purchase come in by this table.
    embargoes
        What a customer must not be offered: `customer_id`, `product_id` or `category`, and
        `until` (the first day it is allowed again; empty is for ever).
    """

    purchases: pd.DataFrame
    products: pd.DataFrame = field(default_factory=pd.DataFrame)
    browsing: pd.DataFrame = field(default_factory=pd.DataFrame)
    compatibility: pd.DataFrame = field(default_factory=pd.DataFrame)
    customers: pd.DataFrame = field(default_factory=pd.DataFrame)
    embargoes: pd.DataFrame = field(default_factory=pd.DataFrame)


def known_purchases(frame: pd.DataFrame, as_of: dt.date) -> pd.DataFrame:
    """
    Return purchases before the as-of date: one row a customer, basket and product, sorted.

    Raises
    ------
    RecommendationError
        When columns are missing or times can't be read.
    """
    require(frame, PURCHASE_COLUMNS, "purchases")
    at = as_times(frame["purchased_at"], "purchases", "purchased_at")
    is_known = (at < pd.Timestamp(as_of)).to_numpy() & frame["customer_id"].notna().to_numpy()
    is_known &= frame["product_id"].notna().to_numpy()
    known = pd.DataFrame(
        {
            "customer_id": frame["customer_id"].astype("string")[is_known],
            "product_id": frame["product_id"].astype("string")[is_known],
            "purchased_at": at[is_known],
        }
    )
    if "basket_id" in frame and frame["basket_id"].notna().all():
        known["basket_id"] = frame["basket_id"].astype("string")[is_known]
    else:
        known["basket_id"] = known["purchased_at"].dt.strftime("%Y%m%d").astype("string")
    known["purchased_at"] = known.groupby(["customer_id", "basket_id"])["purchased_at"].transform(
        "min"
    )
    known = known.drop_duplicates(["customer_id", "basket_id", "product_id"])
    order = ["customer_id", "purchased_at", "basket_id", "product_id"]
    return known.sort_values(order).reset_index(drop=True)


def require(frame: pd.DataFrame, columns: Sequence[str], name: str) -> None:
    """Raise a sentence when a frame lacks a column."""
    missing = [column for column in columns if column not in frame]
    if missing:
        raise RecommendationError(
            f"The {name} lack the column {missing[0]!r}; they need {', '.join(columns)}."
        )


def as_times(values: pd.Series, name: str, column: str) -> pd.Series:
    """Return times without zone; a value that is none raises."""
    times = pd.to_datetime(values, errors="coerce")
    if not pd.api.types.is_datetime64_any_dtype(values.dtype) and times.isna().any():
        # Days and times in one column.
        times = times.fillna(pd.to_datetime(values, errors="coerce", format="ISO8601"))
    bad = times.isna() & values.notna()
    if bad.any():
        raise RecommendationError(
            f"Column {column!r} of the {name} holds {values[bad].iloc[0]!r}, which is no date."
        )
    if getattr(times.dt, "tz", None) is not None:
        times = times.dt.tz_convert("UTC").dt.tz_localize(None)
    return times


def as_of_values(as_of: dt.date, rows: int) -> np.ndarray:
    """Return the as-of date, once a row."""
    return np.full(rows, np.datetime64(as_of, "us"))
