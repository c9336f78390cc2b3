"""The common face of the purchase models, and the wait for the next purchase they share.

No formulas of a single model (see `beta_geometric`, `pareto_nbd`) and no fitting in here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from ml.lifetime_value.beta_geometric import BetaGeometric
from ml.lifetime_value.config import PURCHASE_MODELS, LifetimeValueError
from ml.lifetime_value.pareto_nbd import ParetoNbd
from ml.lifetime_value.sufficient_statistics import DAYS_PER_WEEK, FloatArray, History


class PurchaseModel(Protocol):
    """A purchase model with given parameters."""

    @property
    def r(self) -> float:
        """Shape of the purchase rate's gamma distribution."""

    @property
    def alpha(self) -> float:
        """Rate (weeks) of the purchase rate's gamma distribution."""

    def p_alive(self, history: History) -> FloatArray:
        """Return the probability of being alive at T."""

    def p_purchase(self, history: History, weeks: float) -> FloatArray:
        """Return the probability of at least one purchase in the next weeks."""

    def expected_purchases(self, history: History, weeks: float) -> FloatArray:
        """Return the expected number of purchases in the next weeks."""


def purchase_model(name: str, parameters: Mapping[str, float]) -> PurchaseModel:
    """Return the named model with these (weekly) parameters."""
    if name == "pareto_nbd":
        return ParetoNbd(**parameters)
    if name in ("bg_nbd", "mbg_nbd"):
        return BetaGeometric(**parameters, first_can_be_last=name == "mbg_nbd")
    raise LifetimeValueError(
        f"There is no purchase model {name!r}; use one of {', '.join(PURCHASE_MODELS)}."
    )


def waiting_days_quantile(model: PurchaseModel, history: History, share: float) -> FloatArray:
    """
    Return the days from the last observed day within which `share` of such customers buy again.

    Of customers that are still alive (and, for Pareto/NBD, stay so until they buy): given alive,
    lambda ~ Gamma(r + x, alpha + T) in all three models, the wait is exponential, and the mixture
    is Lomax with quantile (alpha + T) * ((1 - q) ** (-1 / (r + x)) - 1). For small r + x it can
    exceed any number; infinity then means "not in our lifetime".
    """
    with np.errstate(over="ignore"):
        growth: FloatArray = np.expm1(-np.log1p(-share) / (model.r + history.frequency))
    return DAYS_PER_WEEK * (model.alpha + history.age) * growth
