"""Backtests and fits as rows: what `ml.model_runs` and `ml.calibration` hold.

Only shaping; every number comes from `backtest` or a fit.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation import (
    CALIBRATION_TYPES,
    MODEL_RUN_TYPES,
    canonical_json,
    model_run_id,
    typed_frame,
)
from ml.lifetime_value.backtest import Candidate
from ml.lifetime_value.config import MODEL_VERSION
from ml.lifetime_value.lifetimes_adapter import Fit


@dataclass(frozen=True)
class RunContext:
    """
    What all rows of one estimation share.

    Parameters
    ----------
    as_of_date
        First day that is not known.
    horizon_days
        Length of the holdout; None when there was none.
    calibration_age_days, full_age_days
        Longest customer age in the calibration window and in all data: the windows' lengths.
    """

    as_of_date: dt.date
    horizon_days: int | None
    calibration_age_days: int
    full_age_days: int

    def window(self, *, is_full: bool) -> tuple[dt.date, dt.date]:
        """Return first and last day of the full or of the calibration window."""
        days_held_out = 0 if is_full else (self.horizon_days or 0)
        length = self.full_age_days if is_full else self.calibration_age_days
        end = self.as_of_date - dt.timedelta(days=days_held_out + 1)
        return end - dt.timedelta(days=length), end


@dataclass(frozen=True)
class ModelRun:
    """
    A candidate and what became of it.

    Parameters
    ----------
    candidate
        Its backtest.
    final_fit
        Fit on all data, for the models that the predictions use; else None.
    reason
        Why it abstains or was passed over; empty when neither.
    is_abstaining
        Whether it may not speak: not fitted, or no better than a baseline.
    """

    candidate: Candidate
    final_fit: Fit | None
    reason: str
    is_abstaining: bool


def model_runs_frame(runs: Sequence[ModelRun], context: RunContext) -> pd.DataFrame:
    """
    Return one row a model: parameters as last fitted, metrics as backtested.

    `training_start`, `training_end` and `customers` describe the fit whose parameters are shown:
    on all data for the models in use, on the calibration window for the others.
    """
    records = [_record(run, context) for run in runs]
    columns = {name: [record[name] for record in records] for name in MODEL_RUN_TYPES}
    return typed_frame(columns, MODEL_RUN_TYPES, len(records))


def _record(run: ModelRun, context: RunContext) -> dict[str, object]:
    candidate = run.candidate
    is_champion = run.final_fit is not None
    fit = run.final_fit or candidate.fit
    start, end = context.window(is_full=is_champion)
    metrics: dict[str, float | None] = dict(candidate.metrics)
    if candidate.fit is not None:
        metrics["calibration_log_likelihood"] = candidate.fit.log_likelihood
    if fit is not None:
        metrics["log_likelihood"] = fit.log_likelihood
        metrics["distinct_rows"] = fit.distinct_rows
    return {
        "model_run_id": model_run_id(
            candidate.model, MODEL_VERSION, context.as_of_date, context.horizon_days
        ),
        "model": candidate.model,
        "model_version": MODEL_VERSION,
        "as_of_date": np.datetime64(context.as_of_date, "us"),
        "horizon_days": context.horizon_days,
        "training_start": None if fit is None else np.datetime64(start, "us"),
        "training_end": None if fit is None else np.datetime64(end, "us"),
        "customers": 0 if fit is None else fit.customers,
        "parameters": canonical_json({} if fit is None else fit.parameters),
        "metrics": canonical_json(metrics),
        "baseline_metrics": canonical_json(candidate.baseline_metrics),
        "skill_share": candidate.skill,
        "grade": candidate.grade,
        "is_champion": is_champion,
        "is_abstaining": run.is_abstaining,
        "reason": run.reason or None,
    }


def calibration_frame(candidates: Sequence[Candidate], context: RunContext) -> pd.DataFrame:
    """Return the calibration bins of every purchase model that could be judged."""
    parts = [
        candidate.calibration.assign(model=candidate.model)
        for candidate in candidates
        if not candidate.calibration.empty
    ]
    bins = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    columns: dict[str, object] = {str(name): bins[name].to_numpy() for name in bins.columns}
    columns |= {
        "model_version": MODEL_VERSION,
        "as_of_date": np.datetime64(context.as_of_date, "us"),
        "horizon_days": context.horizon_days or 0,
    }
    return typed_frame(columns, CALIBRATION_TYPES, len(bins))
