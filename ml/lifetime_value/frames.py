"""Shape of the frames that come in and go out: columns, types and the checks on input.

No model and no arithmetic in here beyond what a check needs.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ml.lifetime_value.config import LifetimeValueError

SUMMARY_COLUMNS = (
    "customer_id",
    "repeat_frequency",
    "age_at_last_purchase_days",
    "t_days",
    "repeat_monetary_value",
)
HOLDOUT_COLUMNS = (*SUMMARY_COLUMNS, "holdout_days", "holdout_purchases", "holdout_value")

PREDICTION_TYPES: Mapping[str, str] = {
    "customer_id": "string",
    "as_of_date": "datetime64[us]",
    "model": "string",
    "model_version": "string",
    "p_alive": "float64",
    "churn_risk": "float64",
    "p_purchase_30d": "float64",
    "p_purchase_90d": "float64",
    "expected_purchases_365d": "float64",
    "expected_value": "float64",
    "clv_365d": "float64",
    "next_purchase_at": "datetime64[us]",
    "next_purchase_p10_at": "datetime64[us]",
    "next_purchase_p90_at": "datetime64[us]",
    "purchase_churn_segment": "string",
    "is_abstaining": "bool",
}


def require_columns(frame: pd.DataFrame, columns: tuple[str, ...], frame_name: str) -> None:
    """Raise an error that names the columns which the frame lacks."""
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise LifetimeValueError(
            f"The {frame_name} frame lacks the column{'s' if len(missing) > 1 else ''} "
            f"{', '.join(missing)}; it needs {', '.join(columns)}."
        )


def checked_summary(frame: pd.DataFrame, frame_name: str) -> pd.DataFrame:
    """
    Return the frame sorted by customer with plain numeric columns, or say what is wrong with it.

    Sorting here is what makes every later sum, and so every result, independent of row order.
    """
    require_columns(frame, SUMMARY_COLUMNS, frame_name)
    if frame["customer_id"].isna().any():
        raise LifetimeValueError(
            f"The {frame_name} frame has {int(frame['customer_id'].isna().sum())} rows without "
            "customer_id; guests must be left out upstream."
        )
    result = frame.sort_values("customer_id", kind="stable", ignore_index=True)
    if result["customer_id"].duplicated().any():
        first = result.loc[result["customer_id"].duplicated(), "customer_id"].iloc[0]
        raise LifetimeValueError(
            f"The {frame_name} frame has more than one row for customer_id {first}; "
            "collapse it to one row per customer."
        )
    for name in frame.columns:
        if name != "customer_id":
            result[name] = _as_float(result[name], frame_name)
    _check_statistics(result, frame_name)
    return result


def checked_holdout(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the calibration-holdout frame checked as `checked_summary` does, one horizon only."""
    frame_name = "calibration_holdout"
    require_columns(frame, HOLDOUT_COLUMNS, frame_name)
    result = checked_summary(frame[list(HOLDOUT_COLUMNS)], frame_name)
    holdout = result[["holdout_days", "holdout_purchases", "holdout_value"]]
    if holdout.isna().to_numpy().any():
        raise LifetimeValueError(
            "The calibration_holdout frame has NULLs in holdout_days, holdout_purchases or "
            "holdout_value; a customer who bought nothing in the holdout needs 0."
        )
    if result["holdout_days"].nunique() > 1:
        raise LifetimeValueError(
            "The calibration_holdout frame has more than one value in holdout_days; "
            "one backtest has one horizon."
        )
    if (result["holdout_purchases"] < 0).any():
        raise LifetimeValueError(
            "The calibration_holdout frame has negative holdout_purchases; "
            "count purchase days, returns are not purchases."
        )
    return result


def _as_float(column: pd.Series[float], frame_name: str) -> pd.Series[float]:
    """Return the column as float64 (Decimal and nullable integers included), NULL as NaN."""
    try:
        values = pd.to_numeric(column).to_numpy(dtype="float64", na_value=np.nan)
    except (TypeError, ValueError) as error:
        raise LifetimeValueError(
            f"The {frame_name} frame's column {column.name} holds something that is not a "
            f"number: {error}."
        ) from error
    return pd.Series(values, index=column.index, name=column.name)


def _check_statistics(frame: pd.DataFrame, frame_name: str) -> None:
    """Raise when the sufficient statistics contradict themselves; the fit would only diverge."""
    frequency = frame["repeat_frequency"].to_numpy()
    age = frame["age_at_last_purchase_days"].to_numpy()
    total = frame["t_days"].to_numpy()
    value = frame["repeat_monetary_value"].to_numpy()
    statistics = np.stack([frequency, age, total])
    finite = np.isfinite(statistics).all(axis=0)
    faults = {
        "a NULL or infinite statistic": ~finite,
        "a negative or fractional statistic (count and days are whole numbers)": finite
        & ((statistics < 0) | (statistics != np.floor(statistics))).any(axis=0),
        "age_at_last_purchase_days above t_days": age > total,
        "age_at_last_purchase_days that is 0 with repeats, or above 0 without": finite
        & ((frequency > 0) != (age > 0)),
        "an infinite repeat_monetary_value": np.isinf(value),
    }
    for fault, where in faults.items():
        if where.any():
            example = frame.loc[where, "customer_id"].iloc[0]
            raise LifetimeValueError(
                f"The {frame_name} frame has {int(where.sum())} rows with {fault}, first "
                f"customer_id {example}; correct the model that builds it."
            )
