"""An estimation as rows of published tables: customers, effects, segments, model runs, deciles.

Shaping only; every number comes from `estimate`. Unknown is NULL, never NaN.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ml.evaluation import CALIBRATION_TYPES, MODEL_RUN_TYPES, canonical_json, model_run_id
from ml.uplift.config import MODEL_VERSION, RESPONSE_MODEL
from ml.uplift.encoding import FloatArray
from ml.uplift.estimate import CHOSEN, ArmResult, UpliftResult

CUSTOMER_TYPES: Mapping[str, str] = {
    "customer_id": "string",
    "as_of_date": "datetime64[us]",
    "campaign": "string",
    "arm": "string",
    "uplift": "Float64",
    "average_effect": "Float64",
    "uplift_decile": "Int64",
    "model": "string",
    "model_version": "string",
    "is_abstaining": "bool",
}
EFFECT_TYPES: Mapping[str, str] = {
    "campaign": "string",
    "arm": "string",
    "control": "string",
    "as_of_date": "datetime64[us]",
    "treated": "Int64",
    "held_out": "Int64",
    "treated_mean": "Float64",
    "held_out_mean": "Float64",
    "effect": "Float64",
    "effect_low": "Float64",
    "effect_high": "Float64",
    "detectable_effect": "Float64",
    "reason": "string",
}
SEGMENT_TYPES: Mapping[str, str] = {
    "campaign": "string",
    "arm": "string",
    "as_of_date": "datetime64[us]",
    "segment": "string",
    "segment_es": "string",
    "share": "Float64",
    "customers": "int64",
    "predicted_effect": "Float64",
    "effect": "Float64",
    "effect_low": "Float64",
    "effect_high": "Float64",
    "verdict": "string",
}
_DECILES = 10


@dataclass(frozen=True)
class UpliftTables:
    """Frames as published; `model_runs` and `calibration` join those of the other models."""

    customers: pd.DataFrame
    effects: pd.DataFrame
    segments: pd.DataFrame
    model_runs: pd.DataFrame
    calibration: pd.DataFrame


def uplift_tables(
    result: UpliftResult,
    customers: pd.DataFrame,
    *,
    campaign: str,
    as_of: dt.date,
    horizon_days: int,
) -> UpliftTables:
    """
    Score customers and shape everything.

    Parameters
    ----------
    result
        Of `estimate_uplift`.
    customers
        Who is scored: `customer_id` and the features, one row a customer.
    campaign
        Name of the campaign or play.
    as_of, horizon_days
        Date of the tables; days in which the outcome counted.
    """
    date = np.datetime64(as_of, "us")
    shared = {"campaign": campaign, "as_of_date": date, "model_version": MODEL_VERSION}
    scored, effects, groups, runs, bins = [], [], [], [], []
    for arm in result.arms:
        scored.append(_customers(arm, customers).assign(arm=arm.arm))
        effects.append(_effect(arm))
        groups.append(arm.segments.assign(arm=arm.arm))
        runs.append(_run(arm, campaign, as_of, horizon_days))
        bins.append(
            arm.calibration.rename(
                columns={
                    "decile": "bin",
                    "predicted_uplift": "predicted_mean",
                    "observed_uplift": "observed_mean",
                }
            ).assign(model=_model(campaign, arm), horizon_days=horizon_days)
        )
    return UpliftTables(
        _table(scored, CUSTOMER_TYPES, shared),
        _table([pd.DataFrame(effects)], EFFECT_TYPES, shared),
        _table(groups, SEGMENT_TYPES, shared),
        _table([pd.DataFrame(runs)], MODEL_RUN_TYPES, shared),
        _table(bins, CALIBRATION_TYPES, shared),
    )


def _customers(arm: ArmResult, customers: pd.DataFrame) -> pd.DataFrame:
    rows = pd.DataFrame({"customer_id": customers["customer_id"].astype("string").to_numpy()})
    rows["average_effect"] = None if arm.effect is None else arm.effect.effect
    rows["is_abstaining"] = arm.is_abstaining
    rows["model"] = arm.choice
    if arm.model is None or rows.empty:
        return rows.assign(uplift=None, uplift_decile=None)
    uplift: FloatArray = arm.model.predict(customers)
    middle = pd.Series(-uplift).rank(method="average").to_numpy()
    decile = np.floor((middle - 0.5) * _DECILES / len(uplift)).astype(np.int64) + 1
    return rows.assign(uplift=uplift, uplift_decile=decile)


def _effect(arm: ArmResult) -> dict[str, object]:
    effect = arm.effect
    row: dict[str, object] = {"arm": arm.arm, "control": arm.control, "reason": arm.reason or None}
    if effect is not None:
        row |= {
            "treated": effect.treated,
            "held_out": effect.control,
            "treated_mean": effect.treated_mean,
            "held_out_mean": effect.control_mean,
            "effect": effect.effect,
            "effect_low": effect.low,
            "effect_high": effect.high,
            "detectable_effect": effect.detectable,
        }
    return row


def _run(arm: ArmResult, campaign: str, as_of: dt.date, horizon_days: int) -> dict[str, object]:
    table = arm.learners
    metrics: dict[str, float | None] = {}
    baseline: dict[str, dict[str, float | None]] = {}
    if len(table):
        metrics = _numbers(table, CHOSEN)
        baseline = {RESPONSE_MODEL: _numbers(table, RESPONSE_MODEL), "random": {"qini": 0.0}}
    model = _model(campaign, arm)
    return {
        "model_run_id": model_run_id(model, MODEL_VERSION, as_of, horizon_days),
        "model": model,
        "horizon_days": horizon_days,
        "training_end": np.datetime64(as_of - dt.timedelta(days=1), "us"),
        "customers": len(arm.rows),
        "parameters": canonical_json({"learner": arm.choice}),
        "metrics": canonical_json(metrics),
        "baseline_metrics": canonical_json(baseline),
        "skill_share": arm.skill_share,
        "grade": arm.grade,
        "is_champion": not arm.is_abstaining,
        "is_abstaining": arm.is_abstaining,
        "reason": arm.reason or None,
    }


def _numbers(table: pd.DataFrame, learner: str) -> dict[str, float | None]:
    row = table[table["learner"] == learner].drop(columns="learner").iloc[0]
    return {str(name): None if pd.isna(value) else float(value) for name, value in row.items()}


def _model(campaign: str, arm: ArmResult) -> str:
    return f"uplift:{campaign}:{arm.arm}"


def _table(
    parts: list[pd.DataFrame], types: Mapping[str, str], shared: Mapping[str, Any]
) -> pd.DataFrame:
    filled = [part.astype(object) for part in parts if len(part)]
    frame = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    for name in shared.keys() & types.keys():
        frame[name] = shared[name]
    index = pd.RangeIndex(len(frame) if filled else 0)
    columns = {}
    for name, kind in types.items():
        values = frame[name].tolist() if filled and name in frame else [None] * len(index)
        values = [None if value is None or pd.isna(value) else value for value in values]
        columns[name] = pd.Series(values, index=index, dtype=object).astype(kind)  # type: ignore[call-overload]
    return pd.DataFrame(columns)
