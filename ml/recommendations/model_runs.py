"""The backtest of the rankings as rows of `ml.model_runs`.

Shaping only.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ml.evaluation import (
    FAILING_GRADE,
    MODEL_RUN_TYPES,
    canonical_json,
    grade,
    model_run_id,
    typed_frame,
)
from ml.recommendations.backtest import BasketMetrics
from ml.recommendations.config import BASELINES, BLEND, MODEL_VERSION, RANKER


@dataclass(frozen=True)
class Verdict:
    """
    Who may speak.

    Parameters
    ----------
    model
        Whose order is used.
    is_abstaining
        Whether that is a baseline, because nothing beat it or nothing could be judged.
    reason
        Why; empty when it isn't.
    metrics
        Of the models and baselines judged.
    skills
        NDCG over the best baseline's, minus 1, of each model judged.
    horizon_days
        Days in which the next basket had to come.
    """

    model: str
    is_abstaining: bool
    reason: str
    metrics: Mapping[str, BasketMetrics] = field(default_factory=dict)
    skills: Mapping[str, float] = field(default_factory=dict)
    horizon_days: int = 0


def model_runs_frame(
    verdict: Verdict, as_of: dt.date, first_day: dt.date | None, customers: int
) -> pd.DataFrame:
    """Return a row a model; parameters are those of the configuration, kept by the caller."""
    baselines = {
        name: verdict.metrics[name].as_dict() for name in BASELINES if name in verdict.metrics
    }
    rows = []
    for model in (RANKER, BLEND):
        metrics = verdict.metrics.get(model)
        skill = verdict.skills.get(model)
        is_champion = model == verdict.model
        rows.append(
            {
                "model_run_id": model_run_id(model, MODEL_VERSION, as_of, verdict.horizon_days),
                "model": model,
                "model_version": MODEL_VERSION,
                "as_of_date": np.datetime64(as_of, "us"),
                "horizon_days": verdict.horizon_days or None,
                "training_start": None if first_day is None else np.datetime64(first_day, "us"),
                "training_end": np.datetime64(as_of - dt.timedelta(days=1), "us"),
                "customers": customers,
                "parameters": "{}",
                "metrics": canonical_json({} if metrics is None else metrics.as_dict()),
                "baseline_metrics": canonical_json(baselines),
                "skill_share": skill,
                "grade": None if skill is None else grade(skill) if skill > 0 else FAILING_GRADE,
                "is_champion": is_champion,
                "is_abstaining": not is_champion and (verdict.is_abstaining or metrics is None),
                "reason": verdict.reason or None if not is_champion else None,
            }
        )
    columns = {name: [row[name] for row in rows] for name in MODEL_RUN_TYPES}
    return typed_frame(columns, MODEL_RUN_TYPES, len(rows))
