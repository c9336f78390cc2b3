"""The whole estimation: backtest, choose a champion or abstain, refit, predict.

Each step lives in its own module; this one only decides in which order, and who may speak.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation import CALIBRATION_TYPES, MODEL_RUN_TYPES, typed_frame
from ml.lifetime_value.backtest import Candidate, backtest_purchase_models, backtest_spend
from ml.lifetime_value.config import LifetimeValueConfig
from ml.lifetime_value.frames import PREDICTION_TYPES, checked_holdout, checked_summary
from ml.lifetime_value.lifetimes_adapter import Fit, FitError, fit_purchase_model
from ml.lifetime_value.model_runs import (
    ModelRun,
    RunContext,
    calibration_frame,
    model_runs_frame,
)
from ml.lifetime_value.purchase_models import purchase_model
from ml.lifetime_value.scoring import abstaining_predictions, predictions, score_histories
from ml.lifetime_value.spend import GammaGamma, fit_spend
from ml.lifetime_value.sufficient_statistics import CollapsedHistories, FloatArray, collapse


@dataclass(frozen=True)
class LifetimeValueResult:
    """
    What one estimation gives.

    Parameters
    ----------
    predictions
        One row a customer, sorted by customer_id.
    model_runs
        One row a candidate model and one for Gamma-Gamma.
    calibration
        One row a purchase model and decile of its holdout predictions.
    """

    predictions: pd.DataFrame
    model_runs: pd.DataFrame
    calibration: pd.DataFrame


@dataclass(frozen=True)
class _Champion:
    """The purchase model that speaks: refitted on all data, distinct histories scored."""

    model: str
    fit: Fit
    scores: dict[str, FloatArray]


def estimate_lifetime_value(
    summary: pd.DataFrame,
    calibration_holdout: pd.DataFrame,
    as_of_date: dt.date,
    config: LifetimeValueConfig | None = None,
) -> LifetimeValueResult:
    """
    Predict every customer by the best model that beats its baselines, or abstain with a reason.

    Parameters
    ----------
    summary
        One row a customer as of `as_of_date`: `customer_id`, `repeat_frequency` (distinct
        purchase days - 1), `age_at_last_purchase_days`, `t_days`, `repeat_monetary_value`.
    calibration_holdout
        The same columns as of the calibration end, plus `holdout_days`, `holdout_purchases`
        (purchase days in the holdout) and `holdout_value`.
    as_of_date
        First day that is not known.
    config
        The defaults when left out.

    Returns
    -------
    LifetimeValueResult
        When every purchase model abstains, predictions are NULL and their model "rfm_rules".
    """
    config = config or LifetimeValueConfig()
    customers = checked_summary(summary, "summary")
    holdout = checked_holdout(calibration_holdout)
    if customers.empty:
        return _empty_result()
    context = _run_context(customers, holdout, as_of_date)
    candidates = backtest_purchase_models(holdout, config)
    collapsed = collapse(customers, config.clock)
    champion, refusals = _champion(candidates, collapsed, config)
    spend_run = _spend_run(backtest_spend(holdout, config), customers, champion is not None, config)
    if champion is None:
        predicted = abstaining_predictions(customers, as_of_date)
    else:
        spend = _spend_model(spend_run)
        predicted = predictions(
            customers, collapsed, champion.scores, champion.model, spend, as_of_date, config
        )
    runs = [_purchase_run(candidate, champion, refusals) for candidate in candidates]
    return LifetimeValueResult(
        predicted,
        model_runs_frame([*runs, spend_run], context),
        calibration_frame(candidates, context),
    )


def _empty_result() -> LifetimeValueResult:
    """Return frames without rows: nobody to predict, nothing to judge."""
    return LifetimeValueResult(
        typed_frame({}, PREDICTION_TYPES, 0),
        typed_frame({}, MODEL_RUN_TYPES, 0),
        typed_frame({}, CALIBRATION_TYPES, 0),
    )


def _run_context(customers: pd.DataFrame, holdout: pd.DataFrame, as_of_date: dt.date) -> RunContext:
    """Return the windows and the horizon that the frames imply."""
    return RunContext(
        as_of_date=as_of_date,
        horizon_days=None if holdout.empty else int(holdout["holdout_days"].iloc[0]),
        calibration_age_days=0 if holdout.empty else int(holdout["t_days"].max()),
        full_age_days=int(customers["t_days"].max()),
    )


def _spend_model(run: ModelRun) -> GammaGamma | None:
    """Return the refitted Gamma-Gamma, or None where values must stay NULL."""
    return None if run.final_fit is None else GammaGamma(**run.final_fit.parameters)


def _champion(
    candidates: list[Candidate], collapsed: CollapsedHistories, config: LifetimeValueConfig
) -> tuple[_Champion | None, dict[str, str]]:
    """Return the best model that can be refitted on all data, and why better ones could not."""
    refusals: dict[str, str] = {}
    # By RMSE, which is by skill, since all share the baselines; ties go to the model named first.
    for candidate in sorted(
        (candidate for candidate in candidates if candidate.may_speak),
        key=lambda candidate: -(candidate.skill or 0.0),
    ):
        try:
            fit = fit_purchase_model(candidate.model, collapsed)
        except FitError as error:
            refusals[candidate.model] = f"It won the backtest, but on all data: {error}"
            continue
        model = purchase_model(candidate.model, fit.parameters)
        scores = score_histories(model, collapsed.history, config)
        # Waiting times may be infinite: such customers get no date.
        finite = all(
            np.isfinite(values).all()
            for name, values in scores.items()
            if not name.startswith("next_purchase")
        )
        if finite:
            return _Champion(candidate.model, fit, scores), refusals
        refusals[candidate.model] = (
            f"{candidate.model} won the backtest, but on all data some forecasts are not finite."
        )
    return None, refusals


def _purchase_run(
    candidate: Candidate, champion: _Champion | None, refusals: dict[str, str]
) -> ModelRun:
    """Say what became of a purchase model."""
    if champion is not None and champion.model == candidate.model:
        return ModelRun(candidate, champion.fit, candidate.reason, is_abstaining=False)
    if candidate.model in refusals:
        return ModelRun(candidate, None, refusals[candidate.model], is_abstaining=True)
    reason = candidate.reason
    if candidate.may_speak and champion is not None:
        reason = f"Beats the baselines, but {champion.model} has the lower holdout RMSE."
    return ModelRun(candidate, None, reason, is_abstaining=not candidate.may_speak)


def _spend_run(
    candidate: Candidate,
    customers: pd.DataFrame,
    is_wanted: bool,
    config: LifetimeValueConfig,
) -> ModelRun:
    """Refit Gamma-Gamma on all data when it may speak and a purchase model can use it."""
    if not candidate.may_speak:
        return ModelRun(candidate, None, candidate.reason, is_abstaining=True)
    if not is_wanted:
        reason = "Beats the baselines, but every purchase model abstains, so it is not used."
        return ModelRun(candidate, None, reason, is_abstaining=False)
    try:
        fit = fit_spend(customers, config)
    except FitError as error:
        return ModelRun(candidate, None, f"On all data: {error}", is_abstaining=True)
    return ModelRun(candidate, fit, candidate.reason, is_abstaining=False)
