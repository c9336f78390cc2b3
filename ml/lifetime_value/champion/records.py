"""Gradings as rows: what `ml.model_runs` holds of champions and their rivals.

Only shaping; every number comes from `rolling`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ml.evaluation import MODEL_RUN_TYPES, canonical_json, model_run_id, typed_frame
from ml.lifetime_value.champion.config import BASE_MEAN, NAIVE_RATE
from ml.lifetime_value.champion.learn import Champion
from ml.lifetime_value.champion.rolling import CHAMPION, Grading
from ml.lifetime_value.config import MODEL_VERSION
from ml.lifetime_value.purchases.log import EPOCH


def run_rows(
    horizons: Sequence[tuple[int, Grading | None, Champion | None]],
    as_of_date: dt.date,
    first_day: int,
) -> pd.DataFrame:
    """
    Return one row a horizon and candidate.

    Parameters
    ----------
    horizons
        Days of the forecast, how it was graded, and the champion that speaks, if one does.
    as_of_date
        First day not known.
    first_day
        Day number of the first purchase.
    """
    records = [
        _record(row, days, grading, champion, as_of_date, first_day)
        for days, grading, champion in horizons
        if grading is not None
        for row in grading.candidates.to_dict("records")
        if row["model"] not in (NAIVE_RATE, BASE_MEAN)
    ]
    columns = {name: [record[name] for record in records] for name in MODEL_RUN_TYPES}
    return typed_frame(columns, MODEL_RUN_TYPES, len(records))


def _record(
    row: Mapping[Hashable, Any],
    days: int,
    grading: Grading,
    champion: Champion | None,
    as_of_date: dt.date,
    first_day: int,
) -> dict[str, object]:
    model = str(row["model"])
    is_champion = model == CHAMPION and champion is not None
    table = grading.candidates.set_index("model")
    baselines = {
        name: _numbers(table.loc[name].to_dict())
        for name in (NAIVE_RATE, BASE_MEAN)
        if name in table.index
    }
    day = as_of_date if is_champion else EPOCH + dt.timedelta(days=grading.origin)
    learnt = champion if is_champion else grading.champion
    return {
        "model_run_id": model_run_id(model, MODEL_VERSION, as_of_date, days),
        "model": model,
        "model_version": MODEL_VERSION,
        "as_of_date": np.datetime64(as_of_date, "us"),
        "horizon_days": days,
        "training_start": np.datetime64(EPOCH + dt.timedelta(days=first_day), "us"),
        "training_end": np.datetime64(day - dt.timedelta(days=1), "us"),
        "customers": grading.customers
        if learnt is None
        else int(learnt.classics.collapsed.customers),
        "parameters": canonical_json(_parameters(model, learnt)),
        "metrics": canonical_json(_numbers(row) | {"graded_days": grading.horizon_days}),
        "baseline_metrics": canonical_json(baselines),
        "skill_share": row.get("skill_share"),
        "grade": row.get("grade"),
        "is_champion": is_champion,
        "is_abstaining": model == CHAMPION and champion is None,
        "reason": (grading.verdict or None) if model == CHAMPION else None,
    }


def _parameters(model: str, champion: Champion | None) -> dict[str, object]:
    """Return BTYD parameters, or what the champion is made of and where it learnt."""
    if champion is None:
        return {}
    if model in champion.classics.fits:
        return dict(champion.classics.fits[model].parameters)
    if model != CHAMPION:
        return {}
    choice = champion.choice
    return {
        "made_of": choice.model,
        "correction_weight": choice.correction_weight,
        "free_weight": choice.free_weight,
        "learnt_horizon_days": champion.plan.horizon_days,
        "learnt_origins": [
            str(EPOCH + dt.timedelta(days=origin)) for origin in champion.plan.origins
        ],
        "interval_levels": [float(level) for level in champion.widths.levels],
    }


def _numbers(row: Mapping[Hashable, Any]) -> dict[str, float | None]:
    """Return the numeric metrics, None for those that are not defined."""
    return {
        str(name): float(value) if np.isfinite(value) else None
        for name, value in row.items()
        if isinstance(value, float | int) and name != "skill_share"
    }
