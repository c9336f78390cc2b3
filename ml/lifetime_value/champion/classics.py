"""The BTYD models and the naive forecasts as of one origin, and their common anchor.

Fits come from `lifetimes_adapter`, formulas from the models; nothing is compared here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ml.evaluation import base_mean, naive_rate
from ml.lifetime_value.champion.config import BASE_MEAN, CLASSIC_BLEND, NAIVE_RATE
from ml.lifetime_value.config import LifetimeValueConfig
from ml.lifetime_value.lifetimes_adapter import Fit, FitError, fit_purchase_model
from ml.lifetime_value.purchase_models import PurchaseModel, purchase_model
from ml.lifetime_value.sufficient_statistics import (
    DAYS_PER_WEEK,
    CollapsedHistories,
    FloatArray,
    collapse,
)

# A forecast of less than a purchase per thousand customers and year is no other than none, and
# its logarithm would only upset the trees.
SMALLEST_DAILY_RATE = 1e-3 / 365


@dataclass(frozen=True)
class Classics:
    """
    BTYD models fitted as of one origin.

    Parameters
    ----------
    summary
        Sufficient statistics, one row a customer.
    collapsed
        The same, collapsed.
    fits, models
        By name, those that converged.
    reasons
        By name, why the others didn't.
    """

    summary: pd.DataFrame
    collapsed: CollapsedHistories
    fits: Mapping[str, Fit]
    models: Mapping[str, PurchaseModel]
    reasons: Mapping[str, str]

    def only(self, names: set[str]) -> Classics:
        """Return the same without the models of other names."""
        return replace(
            self,
            fits={name: fit for name, fit in self.fits.items() if name in names},
            models={name: model for name, model in self.models.items() if name in names},
        )

    def baselines(self, horizon_days: int) -> dict[str, FloatArray]:
        """Return the forecasts that cost nothing."""
        frequency = self.summary["repeat_frequency"].to_numpy()
        age = self.summary["t_days"].to_numpy()
        return {
            NAIVE_RATE: naive_rate(frequency, age, horizon_days),
            BASE_MEAN: base_mean(frequency, age, horizon_days),
        }

    def forecasts(self, horizon_days: int) -> dict[str, FloatArray]:
        """Return each model's expected purchases, and their mean, by name."""
        floor = SMALLEST_DAILY_RATE * horizon_days
        by_model = {
            name: np.maximum(self._distinct(model, horizon_days), floor)
            for name, model in self.models.items()
        }
        blend = np.mean(list(by_model.values()), axis=0)
        rows = self.collapsed.row_of_customer
        return {name: values[rows] for name, values in by_model.items()} | {
            CLASSIC_BLEND: blend[rows]
        }

    def p_alive(self) -> FloatArray:
        """Return the mean of the models' probabilities of being alive."""
        with np.errstate(all="ignore"):
            each = [model.p_alive(self.collapsed.history) for model in self.models.values()]
        mean: FloatArray = np.mean(each, axis=0)[self.collapsed.row_of_customer]
        return np.clip(mean, 1e-6, 1.0)

    def rate_shape(self) -> FloatArray:
        """Return the shape of each customer's posterior purchase rate, r + x."""
        r = float(np.mean([model.r for model in self.models.values()]))
        shape: FloatArray = r + self.collapsed.history.frequency
        return shape[self.collapsed.row_of_customer]

    def features(self, horizon_days: int) -> pd.DataFrame:
        """Return the models' opinions as features: what a rate of the learnt horizon says."""
        forecasts = self.forecasts(horizon_days)
        columns = {f"log_{name}": np.log(values) for name, values in forecasts.items()}
        with np.errstate(all="ignore"):
            columns |= {
                f"p_alive_{name}": model.p_alive(self.collapsed.history)[
                    self.collapsed.row_of_customer
                ]
                for name, model in self.models.items()
            }
        return pd.DataFrame(columns)

    def _distinct(self, model: PurchaseModel, horizon_days: int) -> FloatArray:
        with np.errstate(all="ignore"):
            return model.expected_purchases(self.collapsed.history, horizon_days / DAYS_PER_WEEK)


def fit_classics(summary: pd.DataFrame, config: LifetimeValueConfig) -> Classics:
    """Fit every configured BTYD model that converges to finite forecasts."""
    collapsed = collapse(summary, config.clock)
    fits: dict[str, Fit] = {}
    models: dict[str, PurchaseModel] = {}
    reasons: dict[str, str] = {}
    for name in config.candidate_models:
        try:
            fit = fit_purchase_model(name, collapsed)
        except FitError as error:
            reasons[name] = str(error)
            continue
        model = purchase_model(name, fit.parameters)
        with np.errstate(all="ignore"):
            year = model.expected_purchases(collapsed.history, 365 / DAYS_PER_WEEK)
        if np.isfinite(year).all():
            fits[name], models[name] = fit, model
        else:
            reasons[name] = (
                f"{name} forecasts no finite number for {int((~np.isfinite(year)).sum())} histories."
            )
    return Classics(summary, collapsed, fits, models, reasons)
