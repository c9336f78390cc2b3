"""Predictions of every customer from the purchase log, by a champion of each horizon.

The same frames as `estimate_lifetime_value` gives, so that whoever reads them need not change,
and one more with the intervals. Each horizon's champion is graded one horizon ago and abstains
if it failed there.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation import CALIBRATION_TYPES, MODEL_RUN_TYPES, calibration_bins, typed_frame
from ml.lifetime_value.champion.config import ChampionConfig
from ml.lifetime_value.champion.learn import Champion, learn_champion
from ml.lifetime_value.champion.records import run_rows
from ml.lifetime_value.champion.rolling import Grading, grade_at_origin
from ml.lifetime_value.champion.value import ValueForecast, value_forecast
from ml.lifetime_value.config import FALLBACK_MODEL, MODEL_VERSION
from ml.lifetime_value.frames import PREDICTION_TYPES
from ml.lifetime_value.purchases import PurchaseLog, day_number, outcome_after, purchase_log
from ml.lifetime_value.purchases.log import FloatArray
from ml.lifetime_value.scoring import WAIT_COLUMNS, purchase_dates, score_histories
from ml.lifetime_value.segments import purchase_churn_segment

INTERVAL_TYPES: Mapping[str, str] = {
    "customer_id": "string",
    "as_of_date": "datetime64[us]",
    "horizon_days": "int64",
    "model": "string",
    "model_version": "string",
    "expected_purchases": "float64",
    "expected_purchases_p10": "float64",
    "expected_purchases_p90": "float64",
    "p_purchase": "float64",
    "expected_value": "float64",
    "value": "float64",
    "value_p10": "float64",
    "value_p90": "float64",
    "is_abstaining": "bool",
    "reason": "string",
}


@dataclass(frozen=True)
class PurchaseValueResult:
    """
    What one estimation gives.

    Parameters
    ----------
    predictions
        One row a customer, the columns of `ml.customer_predictions`.
    horizons
        One row a customer and horizon: expected purchases, value and their 80 % intervals.
    model_runs
        One row a candidate and horizon: the columns of `ml.model_runs`.
    calibration
        One row a horizon and decile of the graded forecast: the columns of `ml.calibration`.
    """

    predictions: pd.DataFrame
    horizons: pd.DataFrame
    model_runs: pd.DataFrame
    calibration: pd.DataFrame


@dataclass(frozen=True)
class _Horizon:
    """One horizon: how it was graded, and what it says now, if it may."""

    days: int
    grading: Grading | None
    champion: Champion | None
    value: ValueForecast | None
    reason: str


def estimate_from_purchases(
    purchases: pd.DataFrame,
    as_of_date: dt.date,
    config: ChampionConfig | None = None,
    seed: int = 0,
) -> PurchaseValueResult:
    """
    Predict every customer over each horizon, or abstain with a reason.

    Parameters
    ----------
    purchases
        `customer_id`, `purchase_date`, `net_amount` (may be left out): transactions or purchase
        days, returns negative. Rows on or after `as_of_date` are not looked at.
    as_of_date
        First day that is not known.
    config
        The defaults when left out.
    seed
        Of sampling and boosters.

    Returns
    -------
    PurchaseValueResult
        Where the champion of the longest horizon abstains, predictions are NULL and their model
        is "rfm_rules".
    """
    config = config or ChampionConfig()
    as_of = day_number(as_of_date)
    log = purchase_log(purchases).before(as_of)
    if log.day.size == 0:
        return PurchaseValueResult(
            typed_frame({}, PREDICTION_TYPES, 0),
            typed_frame({}, INTERVAL_TYPES, 0),
            typed_frame({}, MODEL_RUN_TYPES, 0),
            typed_frame({}, CALIBRATION_TYPES, 0),
        )
    horizons = [_horizon(log, as_of, days, config, seed) for days in config.horizons]
    return PurchaseValueResult(
        _predictions(log, as_of_date, horizons, config),
        pd.concat(
            [_horizon_frame(log, as_of_date, horizon) for horizon in horizons], ignore_index=True
        ),
        run_rows(
            [(horizon.days, horizon.grading, horizon.champion) for horizon in horizons],
            as_of_date,
            log.first_day,
        ),
        _calibration(log, as_of_date, horizons),
    )


def _horizon(
    log: PurchaseLog, as_of: int, days: int, config: ChampionConfig, seed: int
) -> _Horizon:
    """Grade a horizon where its outcome is known, then learn it on everything known."""
    # A horizon of over half of the history is graded on half of it.
    graded_days = min(days, (as_of - log.first_day) // 2)
    if graded_days < 1:
        return _Horizon(days, None, None, None, "The history is shorter than two days.")
    grading = grade_at_origin(log, as_of - graded_days, graded_days, config, seed)
    if grading.verdict:
        return _Horizon(days, grading, None, None, grading.verdict)
    champion = learn_champion(log, as_of, days, config, seed)
    if not isinstance(champion, Champion):
        return _Horizon(days, grading, None, None, champion.reason)
    return _Horizon(days, grading, champion, value_forecast(log, as_of, champion, config), "")


def _horizon_frame(log: PurchaseLog, as_of_date: dt.date, horizon: _Horizon) -> pd.DataFrame:
    """Return one row a customer for one horizon."""
    champion, value = horizon.champion, horizon.value
    columns: dict[str, object] = {
        "customer_id": log.customer_ids,
        "as_of_date": np.datetime64(as_of_date, "us"),
        "horizon_days": horizon.days,
        "model": FALLBACK_MODEL,
        "model_version": MODEL_VERSION,
        "is_abstaining": champion is None,
        "reason": horizon.reason or None,
    }
    if champion is not None:
        lower, upper = champion.interval()
        columns |= {
            "model": champion.choice.model,
            "expected_purchases": champion.forecast,
            "expected_purchases_p10": lower,
            "expected_purchases_p90": upper,
            "p_purchase": champion.distribution.p_any(),
        }
    if value is not None:
        columns |= {
            "expected_value": value.expected_value,
            "value": value.total,
            "value_p10": value.lower,
            "value_p90": value.upper,
            "reason": value.choice.reason or None,
        }
    return typed_frame(columns, INTERVAL_TYPES, log.customer_ids.size)


def _predictions(
    log: PurchaseLog, as_of_date: dt.date, horizons: list[_Horizon], config: ChampionConfig
) -> pd.DataFrame:
    """Return the predictions in the columns that plays read; NULL where a horizon abstains."""
    by_days = {horizon.days: horizon for horizon in horizons}
    longest = horizons[-1]
    champion = longest.champion
    columns: dict[str, object] = {
        "customer_id": log.customer_ids,
        "as_of_date": np.datetime64(as_of_date, "us"),
        "model": FALLBACK_MODEL,
        "model_version": MODEL_VERSION,
        "is_abstaining": champion is None,
    }
    if champion is not None:
        p_alive = champion.classics.p_alive()
        within_30 = _p_purchase(by_days.get(30), p_alive)
        within_90 = _p_purchase(by_days.get(90), p_alive)
        if within_30 is not None and within_90 is not None:
            # Two champions may disagree; a longer window is never less likely.
            within_90 = np.maximum(within_90, within_30)
        columns |= {
            "model": champion.choice.model,
            "p_alive": p_alive,
            "churn_risk": 1.0 - p_alive,
            "p_purchase_30d": within_30,
            "p_purchase_90d": within_90,
            "expected_purchases_365d": champion.forecast if longest.days == 365 else None,
            **_dates(champion, as_of_date, config),
        }
        if within_90 is not None:
            columns["purchase_churn_segment"] = purchase_churn_segment(
                within_90, 1.0 - p_alive, config.models.segments
            )
        value = longest.value
        if value is not None and value.total is not None and longest.days == 365:
            columns |= {
                "expected_value": value.expected_value,
                "clv_365d": value.total * _discount(champion, config) * config.models.margin_share,
            }
    return typed_frame(columns, PREDICTION_TYPES, log.customer_ids.size)


def _p_purchase(horizon: _Horizon | None, p_alive: FloatArray) -> FloatArray | None:
    """Return the probability of a purchase, no likelier than being alive; None if abstaining."""
    if horizon is None or horizon.champion is None:
        return None
    return np.minimum(horizon.champion.distribution.p_any(), p_alive)


def _scores(champion: Champion, config: ChampionConfig) -> dict[str, FloatArray]:
    """Return the scores by the first classic, for what the champion has no opinion on."""
    classics = champion.classics
    name = champion.choice.model
    model = classics.models.get(name, next(iter(classics.models.values())))
    scores = score_histories(model, classics.collapsed.history, config.models)
    return {key: values[classics.collapsed.row_of_customer] for key, values in scores.items()}


def _dates(champion: Champion, as_of_date: dt.date, config: ChampionConfig) -> dict[str, object]:
    scores = _scores(champion, config)
    furthest = config.models.furthest_next_purchase_days
    return {name: purchase_dates(scores[name], as_of_date, furthest) for name in WAIT_COLUMNS}


def _discount(champion: Champion, config: ChampionConfig) -> FloatArray:
    """Return the share of a year's value that discounting leaves, by when purchases are due."""
    scores = _scores(champion, config)
    total = np.maximum(scores["expected_purchases_365d"], 1e-12)
    share: FloatArray = np.clip(scores["discounted_purchases_365d"] / total, 0.0, 1.0)
    return share


def _calibration(log: PurchaseLog, as_of_date: dt.date, horizons: list[_Horizon]) -> pd.DataFrame:
    """Return promise and outcome of the graded champions in deciles."""
    parts = []
    for horizon in horizons:
        grading = horizon.grading
        if grading is None or grading.champion is None:
            continue
        observed = outcome_after(log, grading.origin, grading.horizon_days).purchases
        parts.append(
            calibration_bins(grading.champion.forecast, observed).assign(
                model=grading.champion.choice.model, horizon_days=horizon.days
            )
        )
    bins = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    columns: dict[str, object] = {str(name): bins[name].to_numpy() for name in bins.columns}
    columns |= {
        "model_version": MODEL_VERSION,
        "as_of_date": np.datetime64(as_of_date, "us"),
    }
    return typed_frame(columns, CALIBRATION_TYPES, len(bins))
