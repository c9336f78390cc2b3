"""Predictions for every customer from fitted models: distinct histories are scored, then joined.

Nothing is fitted or judged here.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.evaluation import typed_frame
from ml.lifetime_value.config import FALLBACK_MODEL, MODEL_VERSION, LifetimeValueConfig
from ml.lifetime_value.frames import PREDICTION_TYPES
from ml.lifetime_value.purchase_models import PurchaseModel, waiting_days_quantile
from ml.lifetime_value.segments import purchase_churn_segment
from ml.lifetime_value.spend import GammaGamma
from ml.lifetime_value.sufficient_statistics import (
    DAYS_PER_WEEK,
    CollapsedHistories,
    FloatArray,
    History,
)

DAYS_PER_YEAR = 365.0
MONTHS = 12
WAIT_COLUMNS: Mapping[str, float] = {
    "next_purchase_p10_at": 0.1,
    "next_purchase_at": 0.5,
    "next_purchase_p90_at": 0.9,
}


def score_histories(
    model: PurchaseModel, history: History, config: LifetimeValueConfig
) -> dict[str, FloatArray]:
    """
    Score distinct histories.

    Returns
    -------
    dict
        `p_alive`, `p_purchase_30d`, `p_purchase_90d`, `expected_purchases_365d`,
        `discounted_purchases_365d` (each month's expected purchases, discounted from its end) and
        the wait in days, counted from the last observed day, by column of `WAIT_COLUMNS`.
    """
    with np.errstate(all="ignore"):
        p_alive = model.p_alive(history)
        within_30 = model.p_purchase(history, 30 / DAYS_PER_WEEK)
        # Rounding must not make a longer window less likely, nor a purchase likelier than life.
        within_90 = np.maximum(model.p_purchase(history, 90 / DAYS_PER_WEEK), within_30)
        total = np.zeros_like(p_alive)
        discounted = np.zeros_like(p_alive)
        for month in range(1, MONTHS + 1):
            weeks = DAYS_PER_YEAR * month / MONTHS / DAYS_PER_WEEK
            until = np.maximum(model.expected_purchases(history, weeks), total)
            discount = (1.0 + config.annual_discount_rate) ** (month / MONTHS)
            discounted += (until - total) / discount
            total = until
    scores = {
        "p_alive": p_alive,
        "p_purchase_30d": np.clip(within_30, 0.0, p_alive),
        "p_purchase_90d": np.clip(within_90, 0.0, p_alive),
        "expected_purchases_365d": total,
        "discounted_purchases_365d": discounted,
    }
    waits = {
        name: waiting_days_quantile(model, history, share) for name, share in WAIT_COLUMNS.items()
    }
    return scores | waits


def predictions(
    summary: pd.DataFrame,
    collapsed: CollapsedHistories,
    scores: Mapping[str, FloatArray],
    model_name: str,
    spend: GammaGamma | None,
    as_of_date: dt.date,
    config: LifetimeValueConfig,
) -> pd.DataFrame:
    """Join the scores of distinct histories to the customers, and add value and segment."""
    per_customer = {name: values[collapsed.row_of_customer] for name, values in scores.items()}
    value = np.full(len(summary), np.nan)
    if spend is not None:
        value = spend.expected_value(
            summary["repeat_frequency"].to_numpy(), summary["repeat_monetary_value"].to_numpy()
        )
    churn_risk = 1.0 - per_customer["p_alive"]
    columns: dict[str, object] = {
        name: per_customer[name]
        for name in ("p_alive", "p_purchase_30d", "p_purchase_90d", "expected_purchases_365d")
    }
    columns |= {
        name: purchase_dates(per_customer[name], as_of_date, config.furthest_next_purchase_days)
        for name in WAIT_COLUMNS
    }
    columns |= {
        "customer_id": summary["customer_id"].to_numpy(),
        "as_of_date": np.datetime64(as_of_date, "us"),
        "model": model_name,
        "model_version": MODEL_VERSION,
        "churn_risk": churn_risk,
        "expected_value": value,
        "clv_365d": per_customer["discounted_purchases_365d"] * value * config.margin_share,
        "purchase_churn_segment": purchase_churn_segment(
            per_customer["p_purchase_90d"], churn_risk, config.segments
        ),
        "is_abstaining": False,
    }
    return typed_frame(columns, PREDICTION_TYPES, len(summary))


def abstaining_predictions(summary: pd.DataFrame, as_of_date: dt.date) -> pd.DataFrame:
    """Return one row a customer without any prediction: RFM rules have to do."""
    columns: dict[str, object] = {
        "customer_id": summary["customer_id"].to_numpy(),
        "as_of_date": np.datetime64(as_of_date, "us"),
        "model": FALLBACK_MODEL,
        "model_version": MODEL_VERSION,
        "is_abstaining": True,
    }
    return typed_frame(columns, PREDICTION_TYPES, len(summary))


def purchase_dates(
    wait_days: FloatArray, as_of_date: dt.date, furthest_days: int
) -> NDArray[np.datetime64]:
    """
    Return the day of the purchase, NaT when it lies too far after the as-of date.

    Waits run from the last observed day (as_of_date - 1), so the first possible day is as_of_date.
    """
    days_after = np.maximum(np.ceil(wait_days), 1.0) - 1.0
    too_far = ~(days_after <= furthest_days)
    offset = np.where(too_far, 0.0, days_after).astype("timedelta64[D]")
    dates = (np.datetime64(as_of_date, "D") + offset).astype("datetime64[us]")
    dates[too_far] = np.datetime64("NaT")
    return dates
