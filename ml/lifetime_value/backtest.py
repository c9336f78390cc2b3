"""Backtest of candidates: fit on the calibration window, judge on the holdout, grade.

Choosing and refitting the champion is `estimate`'s matter, the rows of a table `model_runs`'.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from ml.evaluation import (
    base_mean,
    bias_share,
    calibration_bins,
    correlation,
    count_metrics,
    grade,
    mae,
    naive_rate,
    rmse,
    skill_share,
)
from ml.lifetime_value.config import SPEND_MODEL, LifetimeValueConfig
from ml.lifetime_value.lifetimes_adapter import Fit, FitError, fit_purchase_model
from ml.lifetime_value.purchase_models import purchase_model
from ml.lifetime_value.spend import GammaGamma, fit_spend, spend_baselines
from ml.lifetime_value.sufficient_statistics import (
    DAYS_PER_WEEK,
    CollapsedHistories,
    FloatArray,
    collapse,
)

Metrics = Mapping[str, float | None]


@dataclass(frozen=True)
class Candidate:
    """
    One model's backtest; without a fit or a skill it abstains, and `reason` says why.

    Parameters
    ----------
    model
        Model name.
    reason
        Why it abstains, or what else is worth knowing; empty when nothing is.
    fit
        Fit on the calibration window.
    metrics, baseline_metrics
        Holdout metrics of the model, and of each baseline by name.
    skill
        Share of the best baseline's RMSE that the model removes.
    calibration
        Bins of predicted and observed purchases; empty when there is nothing to compare.
    """

    model: str
    reason: str = ""
    fit: Fit | None = None
    metrics: Metrics = field(default_factory=dict)
    baseline_metrics: Mapping[str, Metrics] = field(default_factory=dict)
    skill: float | None = None
    calibration: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def grade(self) -> str | None:
        """Letter from A to F, None when there was nothing to judge."""
        return None if self.skill is None else grade(self.skill)

    @property
    def may_speak(self) -> bool:
        """Whether it beats the best baseline."""
        return self.skill is not None and self.skill > 0


def backtest_purchase_models(holdout: pd.DataFrame, config: LifetimeValueConfig) -> list[Candidate]:
    """
    Backtest every candidate purchase model on holdout purchases.

    Parameters
    ----------
    holdout
        Checked calibration-holdout frame.
    config
        Candidates, clock and the least number of repeat customers.

    Returns
    -------
    list of Candidate
        One a candidate model, in the order of the configuration.
    """
    refusal = _too_little(holdout, config)
    if refusal:
        return [Candidate(name, reason=refusal) for name in config.candidate_models]
    horizon_days = float(holdout["holdout_days"].iloc[0])
    frequency, age = holdout["repeat_frequency"].to_numpy(), holdout["t_days"].to_numpy()
    observed = holdout["holdout_purchases"].to_numpy()
    baselines = {
        "naive_rate": count_metrics(naive_rate(frequency, age, horizon_days), observed),
        "base_mean": count_metrics(base_mean(frequency, age, horizon_days), observed),
    }
    collapsed = collapse(holdout, config.clock)
    return [
        _judged_purchases(name, collapsed, observed, horizon_days, baselines)
        for name in config.candidate_models
    ]


def _too_little(holdout: pd.DataFrame, config: LifetimeValueConfig) -> str:
    """Return why there can be no backtest, or an empty text."""
    if holdout.empty:
        return "There is no customer in the calibration window, so no backtest is possible."
    if float(holdout["holdout_days"].iloc[0]) < 1:
        return "The holdout is shorter than a day, so no backtest is possible."
    repeat_customers = int((holdout["repeat_frequency"] > 0).sum())
    if repeat_customers < config.min_repeat_customers:
        return (
            f"Only {repeat_customers} customers have a repeat purchase in the calibration window, "
            f"fewer than the {config.min_repeat_customers} required."
        )
    return ""


def _judged_purchases(
    name: str,
    collapsed: CollapsedHistories,
    observed: FloatArray,
    horizon_days: float,
    baselines: Mapping[str, Metrics],
) -> Candidate:
    """Fit one purchase model, predict the holdout and compare."""
    try:
        fit = fit_purchase_model(name, collapsed)
    except FitError as error:
        return Candidate(name, reason=str(error), baseline_metrics=baselines)
    model = purchase_model(name, fit.parameters)
    with np.errstate(all="ignore"):
        distinct = model.expected_purchases(collapsed.history, horizon_days / DAYS_PER_WEEK)
    if not np.isfinite(distinct).all():
        reason = f"{name} forecasts no finite number for {int((~np.isfinite(distinct)).sum())} rows"
        return Candidate(name, reason=f"{reason}.", fit=fit, baseline_metrics=baselines)
    predicted = distinct[collapsed.row_of_customer]
    return _judged(
        Candidate(
            name,
            fit=fit,
            metrics=count_metrics(predicted, observed),
            baseline_metrics=baselines,
            calibration=calibration_bins(predicted, observed),
        )
    )


def _judged(candidate: Candidate) -> Candidate:
    """Add the skill against the best baseline, and the reason to abstain if there is none."""
    errors = {name: values["rmse"] for name, values in candidate.baseline_metrics.items()}
    known = {name: error for name, error in errors.items() if error is not None}
    own = candidate.metrics["rmse"]
    assert own is not None  # set by every caller
    skill = skill_share(own, known)
    best = min(known, key=lambda name: known[name])
    reason = candidate.reason
    if skill <= 0:
        reason = (
            f"{candidate.model} has a holdout RMSE of {own:.4f}, no better than {known[best]:.4f} "
            f"by the baseline {best}."
        )
    return replace(candidate, skill=skill, reason=reason)


def backtest_spend(holdout: pd.DataFrame, config: LifetimeValueConfig) -> Candidate:
    """Backtest Gamma-Gamma on the mean value of holdout purchases, for those who made any."""
    refusal = _too_little(holdout, config)
    if refusal:
        return Candidate(SPEND_MODEL, reason=refusal)
    try:
        fit = fit_spend(holdout, config)
    except FitError as error:
        return Candidate(SPEND_MODEL, reason=str(error))
    buyers = holdout[holdout["holdout_purchases"] > 0]
    if buyers.empty:
        return Candidate(
            SPEND_MODEL, reason="Nobody bought in the holdout, so values can't be judged.", fit=fit
        )
    observed = (buyers["holdout_value"] / buyers["holdout_purchases"]).to_numpy()
    predicted = GammaGamma(**fit.parameters).expected_value(
        buyers["repeat_frequency"].to_numpy(), buyers["repeat_monetary_value"].to_numpy()
    )
    # The base's mean comes from the whole calibration window, not only from those who came back.
    baselines = {
        name: _value_metrics(forecast[holdout["holdout_purchases"].to_numpy() > 0], observed)
        for name, forecast in spend_baselines(holdout).items()
    }
    repeaters = holdout[holdout["repeat_monetary_value"].notna()]
    metrics = {
        **_value_metrics(predicted, observed),
        # Gamma-Gamma assumes that how often and how much are unrelated; far from 0 they are not.
        "frequency_value_correlation": correlation(
            repeaters["repeat_frequency"], repeaters["repeat_monetary_value"]
        ),
    }
    return _judged(Candidate(SPEND_MODEL, fit=fit, metrics=metrics, baseline_metrics=baselines))


def _value_metrics(predicted: FloatArray, observed: FloatArray) -> Metrics:
    """Return the metrics of a forecast of amounts."""
    return {
        "mae": mae(predicted, observed),
        "rmse": rmse(predicted, observed),
        "bias_share": bias_share(predicted, observed),
        "correlation": correlation(predicted, observed),
    }
