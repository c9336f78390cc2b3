"""Frozen configuration of the lifetime-value models, with the reason for each default.

Definitions only; nothing here reads, fits or predicts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

PURCHASE_MODELS = ("bg_nbd", "mbg_nbd", "pareto_nbd")
SPEND_MODEL = "gamma_gamma"
FALLBACK_MODEL = "rfm_rules"

# Rises whenever the same input may give other predictions.
MODEL_VERSION = "1.0.0"

Clock = Literal["day", "week"]


class LifetimeValueError(ValueError):
    """The configuration or the input of the lifetime-value models can't be used."""


@dataclass(frozen=True)
class SegmentThresholds:
    """
    Where the purchase-probability x churn-risk grid is cut; a value on a cut belongs above it.

    Parameters
    ----------
    medium_purchase_probability, high_purchase_probability
        Chance of a purchase in the next 90 days. From 0.5 a purchase is likelier than not; under
        0.2 four of five messages about the next purchase would come too early.
    medium_churn_risk, high_churn_risk
        Chance that the customer has left for good. Below 0.3 somebody is safely alive; from 0.7,
        at least two in three of a cell are gone. A convention, to be tuned by campaign results.
    """

    medium_purchase_probability: float = 0.2
    high_purchase_probability: float = 0.5
    medium_churn_risk: float = 0.3
    high_churn_risk: float = 0.7

    def __post_init__(self) -> None:
        """Refuse cuts that would leave a row or column of the grid upside down."""
        if not 0 < self.medium_purchase_probability < self.high_purchase_probability <= 1:
            raise LifetimeValueError(
                "Purchase-probability thresholds must satisfy 0 < medium < high <= 1, not "
                f"{self.medium_purchase_probability} and {self.high_purchase_probability}."
            )
        if not 0 < self.medium_churn_risk < self.high_churn_risk <= 1:
            raise LifetimeValueError(
                "Churn-risk thresholds must satisfy 0 < medium < high <= 1, not "
                f"{self.medium_churn_risk} and {self.high_churn_risk}."
            )


@dataclass(frozen=True)
class LifetimeValueConfig:
    """
    How customers are modelled and valued.

    Parameters
    ----------
    candidate_models
        Purchase models that compete in the backtest.
    clock
        "day" is exact. "week" rounds ages up to whole weeks, which collapses millions of
        customers to far fewer distinct rows for an error well below that of the forecast.
    min_repeat_customers
        Fewer customers with a repeat purchase than this can't carry four parameters.
    margin_share
        Share of revenue that counts as value. 1.0 means that `clv_365d` is revenue.
    annual_discount_rate
        Yearly rate at which future value shrinks; 0 turns discounting off.
    furthest_next_purchase_days
        A next purchase expected later than this (three years) is no date to plan by: NULL.
    gamma_gamma_max_rows
        Distinct (frequency, value) pairs above which values are binned to 0.1 % before the
        Gamma-Gamma fit, because spend is continuous and does not collapse by itself.
    segments
        Cuts of the purchase-probability x churn-risk grid.
    """

    candidate_models: tuple[str, ...] = PURCHASE_MODELS
    clock: Clock = "day"
    min_repeat_customers: int = 50
    margin_share: float = 1.0
    annual_discount_rate: float = 0.10
    furthest_next_purchase_days: int = 1095
    gamma_gamma_max_rows: int = 100_000
    segments: SegmentThresholds = field(default_factory=SegmentThresholds)

    def __post_init__(self) -> None:
        """Refuse values under which the results would mean nothing."""
        unknown = sorted(set(self.candidate_models) - set(PURCHASE_MODELS))
        if unknown or not self.candidate_models:
            raise LifetimeValueError(
                f"candidate_models is {self.candidate_models}; name at least one, and only of "
                f"{', '.join(PURCHASE_MODELS)}."
            )
        if len(set(self.candidate_models)) != len(self.candidate_models):
            raise LifetimeValueError(
                f"candidate_models names a model twice: {self.candidate_models}; name each once."
            )
        if self.clock not in ("day", "week"):
            raise LifetimeValueError(f"clock is {self.clock!r}; use 'day' or 'week'.")
        if self.min_repeat_customers < 1:
            raise LifetimeValueError(
                f"min_repeat_customers is {self.min_repeat_customers}; it must be at least 1."
            )
        if not 0 < self.margin_share <= 1:
            raise LifetimeValueError(
                f"margin_share is {self.margin_share}; it must be above 0 and at most 1."
            )
        if not 0 <= self.annual_discount_rate < 1:
            raise LifetimeValueError(
                f"annual_discount_rate is {self.annual_discount_rate}; it must be in [0, 1), "
                "0.1 meaning 10 % a year."
            )
        if self.furthest_next_purchase_days < 1 or self.gamma_gamma_max_rows < 1:
            raise LifetimeValueError(
                "furthest_next_purchase_days and gamma_gamma_max_rows must be at least 1, not "
                f"{self.furthest_next_purchase_days} and {self.gamma_gamma_max_rows}."
            )
