"""Qini and uplift curves against a hand-counted example and their limits."""

from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation import EvaluationError
from ml.uplift.curves import normalised, ranked, resampled_curves, resamples

# Four treated, four control; the two best scores are persuaded, the two worst are driven away.
SCORE = np.array([4.0, 4.0, 3.0, 3.0, 2.0, 2.0, 1.0, 1.0])
TREATED = np.array([1.0, 0.0] * 4)
OUTCOME = np.array([1.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0])


def test_curve_of_a_small_example() -> None:
    curve = ranked(SCORE, TREATED, OUTCOME).curve()

    assert curve.share.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert curve.qini.tolist() == [0, 0.25, 0.25, 0.25, 0]
    assert curve.uplift.tolist() == pytest.approx([0, 0.25, 0.25, 0.25, 0])
    assert curve.qini_area == pytest.approx(0.1875)


def test_equal_scores_are_one_step_whatever_the_order() -> None:
    order = np.array([7, 2, 5, 0, 3, 6, 1, 4])
    same = ranked(SCORE[order], TREATED[order], OUTCOME[order]).curve()

    assert same.qini.tolist() == [0, 0.25, 0.25, 0.25, 0]
    assert ranked(np.zeros(8), TREATED, OUTCOME).curve().qini_area == 0


def test_the_perfect_ranking_has_a_normalised_coefficient_of_one() -> None:
    perfect = OUTCOME * TREATED - OUTCOME * (1 - TREATED)
    assert normalised(perfect, TREATED, OUTCOME) == (pytest.approx(1), pytest.approx(1))
    assert normalised(SCORE, TREATED, OUTCOME * 12.5) == (None, None)


def test_resampled_rows_of_one_customer_stay_together() -> None:
    weights = resamples(np.array([0, 0, 1, 1]), 4, 50, seed=3)
    assert (weights[:, 0] == weights[:, 1]).all() and (weights[:, 2] == weights[:, 3]).all()
    areas, gains = resampled_curves(ranked(SCORE, TREATED, OUTCOME), np.ones((2, 8)))
    assert areas.tolist() == pytest.approx([0.1875, 0.1875])
    assert gains[0, -1] == 0


def test_scores_that_cannot_be_ranked() -> None:
    with pytest.raises(EvaluationError, match="not finite"):
        ranked(np.array([np.nan, 1.0]), np.ones(2), np.ones(2))
    with pytest.raises(EvaluationError, match="at least one"):
        ranked(np.zeros(0), np.zeros(0), np.zeros(0))
