"""Value of a purchase: candidates, the choice among them at an earlier origin, and abstention.

How often customers buy is not looked at here; value times purchases is `value`'s matter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.evaluation import rmse
from ml.lifetime_value.config import LifetimeValueConfig
from ml.lifetime_value.lifetimes_adapter import FitError
from ml.lifetime_value.purchases import PurchaseLog, outcome_after, summary_before
from ml.lifetime_value.purchases.log import FloatArray, totals
from ml.lifetime_value.spend import GammaGamma, fit_spend

BASE_VALUE = "naive_mean"
OWN_VALUE = "own_mean"
CREDIBLE_VALUE = "credible_mean"
# Purchases of the base's mean that every customer starts with (Buehlmann credibility).
CREDIBILITIES = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
LEAST_BUYERS = 30


@dataclass(frozen=True)
class SpendChoice:
    """
    The value model that does best at an earlier origin.

    Parameters
    ----------
    model
        Name of the candidate; None when none may speak.
    reason
        Why none may.
    metrics
        RMSE of each candidate at the origin.
    spread
        Spread of the log of one purchase's value around its forecast.
    """

    model: str | None
    reason: str
    metrics: Mapping[str, float]
    spread: float


def value_forecasts(
    known: PurchaseLog, origin: int, config: LifetimeValueConfig
) -> dict[str, FloatArray]:
    """
    Return the value expected of a purchase day by candidate, for every customer of the log.

    Net of returns: what a customer gave back is taken off what was bought, whichever purchase it
    belongs to. A customer who gave back more than was bought counts as worth 0.
    """
    summary = summary_before(known, origin)
    size = known.customer_ids.size
    days = totals(known.customer, size)
    bought = totals(known.customer, size, known.amount)
    returned = totals(known.return_customer, size, known.return_amount)
    net = np.maximum(bought - returned, 0.0)
    base = float(net.sum() / days.sum())
    forecasts = {BASE_VALUE: np.full(size, base), OWN_VALUE: net / days}
    forecasts |= {
        f"{CREDIBLE_VALUE}_{credibility:g}": (net + credibility * base) / (days + credibility)
        for credibility in CREDIBILITIES
    }
    try:
        fit = fit_spend(summary, config)
    except FitError:
        return forecasts
    values = GammaGamma(**fit.parameters).expected_value(
        summary["repeat_frequency"].to_numpy(), summary["repeat_monetary_value"].to_numpy()
    )
    return forecasts | {"gamma_gamma": values} if np.isfinite(values).all() else forecasts


def choose_spend(
    known: PurchaseLog, origin: int, horizon_days: int, config: LifetimeValueConfig
) -> SpendChoice:
    """
    Choose the value model by the mean value of purchases after an origin, of those who bought.

    Parameters
    ----------
    known
        Log of the as-of day.
    origin
        Latest training origin.
    horizon_days
        Days after it that are known.
    config
        Of Gamma-Gamma.
    """
    if not known.has_amounts:
        return SpendChoice(None, "The purchases have no amounts.", {}, 0.0)
    outcome = outcome_after(known, origin, horizon_days)
    buyers = outcome.purchases > 0
    if int(buyers.sum()) < LEAST_BUYERS:
        reason = (
            f"Only {int(buyers.sum())} customers bought after the earlier origin, fewer than the "
            f"{LEAST_BUYERS} that a comparison of values needs."
        )
        return SpendChoice(None, reason, {}, 0.0)
    observed = outcome.value[buyers] / outcome.purchases[buyers]
    forecasts = {
        name: values[buyers]
        for name, values in value_forecasts(known.before(origin), origin, config).items()
    }
    errors = {name: rmse(values, observed) for name, values in forecasts.items()}
    baseline = min((BASE_VALUE, OWN_VALUE), key=lambda name: errors[name])
    rivals = [name for name in errors if name not in (BASE_VALUE, OWN_VALUE)]
    best = min(rivals, key=lambda name: errors[name])
    if errors[best] >= errors[baseline]:
        reason = (
            f"The best value model, {best}, has an RMSE of {errors[best]:.4f} at the earlier "
            f"origin, no better than {errors[baseline]:.4f} by the baseline {baseline}."
        )
        return SpendChoice(None, reason, errors, 0.0)
    usable = (observed > 0) & (forecasts[best] > 0)
    logs = np.log(observed[usable] / forecasts[best][usable])
    squares = logs * logs * outcome.purchases[buyers][usable]
    return SpendChoice(best, "", errors, float(np.sqrt(squares.mean())) if squares.size else 0.0)


def spend_metrics(
    forecasts: Mapping[str, FloatArray], purchases: FloatArray, value: FloatArray
) -> pd.DataFrame:
    """Return RMSE and bias of each value forecast on those who bought; one row a candidate."""
    buyers = purchases > 0
    if not buyers.any():
        return pd.DataFrame(columns=["model", "rmse", "bias_share"])
    observed = value[buyers] / purchases[buyers]
    total = float(observed.sum())
    return pd.DataFrame(
        {
            "model": list(forecasts),
            "rmse": [rmse(values[buyers], observed) for values in forecasts.values()],
            "bias_share": [
                None if total == 0 else float(values[buyers].sum()) / total - 1.0
                for values in forecasts.values()
            ],
        }
    )
