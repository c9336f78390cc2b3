"""Skill and grade: how much better than the best baseline, in one letter.

What a grade leads to (abstaining, falling back) is decided by the model packages, not here.
"""

from __future__ import annotations

from collections.abc import Mapping

from ml.evaluation.metrics import EvaluationError

# Lower bounds of the share of the best baseline's RMSE that the model removes. For scale: on
# CDNOW (39/39 weeks) Pareto/NBD removes 24 %, on the grocery households 4 %.
GRADE_BOUNDS: tuple[tuple[str, float], ...] = (("A", 0.20), ("B", 0.10), ("C", 0.05))
FAILING_GRADE = "F"


def skill_share(model_rmse: float, baseline_rmse: Mapping[str, float]) -> float:
    """Return 1 - model RMSE / lowest baseline RMSE; 0 when a baseline is already perfect."""
    if not baseline_rmse:
        raise EvaluationError("There is no baseline to compare with; pass at least one RMSE.")
    best = min(baseline_rmse.values())
    return 0.0 if best == 0 else 1.0 - model_rmse / best


def grade(skill: float) -> str:
    """Return A (skill >= 20 %), B (>= 10 %), C (>= 5 %), D (> 0), or F: beats no baseline."""
    for letter, bound in GRADE_BOUNDS:
        if skill >= bound:
            return letter
    return "D" if skill > 0 else FAILING_GRADE
