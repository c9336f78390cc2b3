"""Value per purchase: Gamma-Gamma in closed form, its fit on collapsed values, its baselines.

How often customers buy is the purchase models' matter; nothing here looks at time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ml.lifetime_value.config import LifetimeValueConfig
from ml.lifetime_value.lifetimes_adapter import Fit, FitError, fit_gamma_gamma
from ml.lifetime_value.sufficient_statistics import FloatArray

# Width of a value bin when values must be binned: 0.1 % of the value, far below what one more
# purchase changes a customer's mean by.
VALUE_BIN_LOG_WIDTH = 1e-3


@dataclass(frozen=True)
class GammaGamma:
    """
    Gamma-Gamma model of value per purchase (Fader and Hardie, 2013).

    Parameters
    ----------
    p
        Shape of one customer's values.
    q, v
        Gamma distribution, across customers, of the rate of those values.
    """

    p: float
    q: float
    v: float

    @property
    def population_mean(self) -> float:
        """Mean value per purchase of a customer about whom nothing is known."""
        return self.v * self.p / (self.q - 1.0)

    def expected_value(self, frequency: FloatArray, mean_value: FloatArray) -> FloatArray:
        """
        Return the expected value of a purchase; without repeats, the population mean.

        Own mean and population mean, the own weighing p x / (p x + q - 1). Negative own means
        (more returned than bought) count as 0, since the model knows no negative values.
        """
        known = (frequency > 0) & ~np.isnan(mean_value)
        own = np.where(known, np.maximum(mean_value, 0.0), 0.0)
        own_weight = np.where(known, self.p * frequency / (self.p * frequency + self.q - 1.0), 0.0)
        return own_weight * own + (1.0 - own_weight) * self.population_mean


def fit_spend(frame: pd.DataFrame, config: LifetimeValueConfig) -> Fit:
    """
    Fit Gamma-Gamma on customers with repeat purchases of positive value.

    Equal (frequency, mean value) pairs are collapsed exactly; when more than
    `config.gamma_gamma_max_rows` remain, values are binned to 0.1 % within each frequency.

    Raises
    ------
    FitError
        When too few customers qualify or the optimiser doesn't converge.
    """
    usable = frame[(frame["repeat_frequency"] > 0) & (frame["repeat_monetary_value"] > 0)]
    if len(usable) < config.min_repeat_customers:
        raise FitError(
            f"gamma_gamma was not fitted: {len(usable)} customers have repeat purchases of "
            f"positive value, fewer than the {config.min_repeat_customers} required."
        )
    pairs = pd.DataFrame(
        {
            "frequency": usable["repeat_frequency"].to_numpy(),
            "value": usable["repeat_monetary_value"].to_numpy(),
        }
    )
    rows = pairs.groupby(["frequency", "value"], as_index=False, sort=True).size()
    if len(rows) > config.gamma_gamma_max_rows:
        rows = _binned(rows)
    return fit_gamma_gamma(
        rows["frequency"].to_numpy(dtype=np.float64),
        rows["value"].to_numpy(dtype=np.float64),
        rows["size"].to_numpy(dtype=np.float64),
    )


def _binned(rows: pd.DataFrame) -> pd.DataFrame:
    """Merge values of one frequency within 0.1 %, keeping each bin's mean value."""
    keyed = rows.assign(
        bin=np.floor(np.log(rows["value"]) / VALUE_BIN_LOG_WIDTH).astype("int64"),
        total=rows["value"] * rows["size"],
    )
    binned = keyed.groupby(["frequency", "bin"], as_index=False, sort=True)[["size", "total"]].sum()
    return binned.assign(value=binned["total"] / binned["size"])


def spend_baselines(frame: pd.DataFrame) -> Mapping[str, FloatArray]:
    """Return the forecasts Gamma-Gamma has to beat: the base's mean, and the customer's own."""
    own = frame["repeat_monetary_value"].to_numpy(dtype=np.float64)
    known = (frame["repeat_frequency"].to_numpy() > 0) & ~np.isnan(own)
    mean = float(own[known].mean()) if known.any() else 0.0
    return {
        "naive_mean": np.full(len(frame), mean),
        "own_mean": np.where(known, own, mean),
    }
