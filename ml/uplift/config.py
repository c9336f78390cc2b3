"""Frozen configuration of the uplift models, with the reason for each default.

Definitions only; nothing here reads, fits or predicts.
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL_VERSION = "1.0.0"

ENSEMBLE = "ensemble"
# Simplest first: between equals the earlier one is chosen.
SINGLE_LEARNERS = (
    "proportional",
    "t_linear",
    "x_linear",
    "dr_linear",
    "t_boost",
    "x_boost",
    "dr_boost",
)
LEARNERS = (ENSEMBLE, *SINGLE_LEARNERS)
# What has to be beaten: the same treatment for everybody, and "mail those who buy anyway".
RESPONSE_MODEL = "response_model"


class UpliftError(ValueError):
    """The input or configuration can't be used; the sentence says what to do."""


@dataclass(frozen=True)
class UpliftConfig:
    """
    How uplift is learned and judged.

    Parameters
    ----------
    learners
        Candidates; "ensemble" joins the others.
    outer_folds
        Each customer is judged by a model, and by a choice of model, that never saw their fold.
    inner_folds
        Folds of the cross-validation by which a learner is chosen.
    selection_customers
        Most customers the choice looks at; the chosen learner is fitted on all.
    min_customers, min_outcomes
        Least customers, and customers with an outcome, in each group. Below 25 outcomes the effect's
        own interval is wider than any effect that a campaign has.
    confidence
        Of all intervals. An uplift model must beat the constant effect at the lower end of it.
    bootstrap_samples
        For the intervals of curves and coefficients.
    randomisation_customers, randomisation_permutations
        Size of the test whether features predict the treatment. 10,000 customers tell an AUC of 0.52
        from chance; mean and spread of 24 permutations are known well enough for that.
    max_levels
        Levels of a text column that are told apart; the rarer ones are one.
    max_segments_depth, min_segment_share
        Conditions a segment may have, and the least share of customers in it.
    """

    learners: tuple[str, ...] = LEARNERS
    outer_folds: int = 3
    inner_folds: int = 3
    selection_customers: int = 40_000
    min_customers: int = 200
    min_outcomes: int = 25
    confidence: float = 0.90
    bootstrap_samples: int = 200
    randomisation_customers: int = 10_000
    randomisation_permutations: int = 24
    max_levels: int = 20
    max_segments_depth: int = 3
    min_segment_share: float = 0.05

    def __post_init__(self) -> None:
        """Refuse values under which the results would mean nothing."""
        unknown = sorted(set(self.learners) - set(LEARNERS))
        if unknown or not set(self.learners) & set(SINGLE_LEARNERS):
            raise UpliftError(
                f"learners is {self.learners}; name at least one of {', '.join(SINGLE_LEARNERS)}, "
                f"and nothing but these and {ENSEMBLE}."
            )
        if min(self.outer_folds, self.inner_folds) < 2:
            raise UpliftError("outer_folds and inner_folds must be at least 2.")
        if not 0.5 <= self.confidence < 1:
            raise UpliftError(f"confidence is {self.confidence}; it must be in [0.5, 1).")
        if self.min_customers < 2 * self.outer_folds * self.inner_folds:
            raise UpliftError(
                f"min_customers is {self.min_customers}; every fold needs customers, so it must be at "
                f"least {2 * self.outer_folds * self.inner_folds}."
            )
        if self.bootstrap_samples < 20 or self.randomisation_permutations < 19:
            raise UpliftError(
                "bootstrap_samples must be at least 20 and randomisation_permutations at least 19."
            )
        if self.min_outcomes < 1 or self.max_levels < 2 or not 0 < self.min_segment_share < 0.5:
            raise UpliftError(
                "min_outcomes must be at least 1, max_levels at least 2 and min_segment_share "
                "between 0 and 0.5."
            )
