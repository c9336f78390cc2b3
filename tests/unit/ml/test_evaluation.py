"""Metrics, baselines, grades and calibration bins against hand-counted examples.

The published CDNOW numbers are in test_lifetime_value_published.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from ml.evaluation import (
    EvaluationError,
    base_mean,
    bias_share,
    calibration_bins,
    correlation,
    count_metrics,
    grade,
    mae,
    naive_rate,
    poisson_deviance,
    rmse,
    skill_share,
    top_10_share_capture,
)


def test_errors_of_a_small_example() -> None:
    predicted, observed = [1.0, 2.0, 3.0], [1.0, 0.0, 6.0]

    assert mae(predicted, observed) == pytest.approx(5 / 3)
    assert rmse(predicted, observed) == pytest.approx(math.sqrt(13 / 3))
    assert bias_share(predicted, observed) == pytest.approx(6 / 7 - 1)


def test_undefined_metrics_are_none_and_not_nan() -> None:
    assert bias_share([1.0, 2.0], [0.0, 0.0]) is None
    assert correlation([1.0, 1.0], [0.0, 3.0]) is None
    assert top_10_share_capture([1.0] * 9, [1.0] * 9) is None
    assert top_10_share_capture([1.0] * 20, [0.0] * 20) is None


def test_capture_counts_the_events_of_the_predicted_top_tenth() -> None:
    predicted = np.arange(20.0)
    observed = np.zeros(20)
    observed[[19, 18, 0]] = 5, 3, 2

    assert top_10_share_capture(predicted, observed) == pytest.approx(0.8)


def test_capture_shares_the_places_at_a_tie_whatever_the_order() -> None:
    predicted = np.array([9.0, *[5.0] * 4, *[0.0] * 15])
    observed = np.array([4.0, 4.0, 0.0, 0.0, 0.0, *[0.0] * 15])

    # Two places: one is certain, the other is shared by four customers with 4 events in all.
    assert top_10_share_capture(predicted, observed) == pytest.approx(5 / 8)
    assert top_10_share_capture(predicted[::-1], observed[::-1]) == pytest.approx(5 / 8)


def test_poisson_deviance_is_0_for_the_truth_and_finite_for_a_forecast_of_0() -> None:
    assert poisson_deviance([0.0, 2.0], [0.0, 2.0]) == pytest.approx(0.0, abs=1e-5)
    assert poisson_deviance([1.0], [2.0]) == pytest.approx(2 * (2 * math.log(2) - 1))
    assert np.isfinite(poisson_deviance([0.0], [3.0]))


@pytest.mark.parametrize(
    ("predicted", "observed", "message"),
    [
        ([1.0], [1.0, 2.0], "same length"),
        ([], [], "no customers"),
        ([float("nan"), 1.0], [1.0, 1.0], "1 predictions and 0 observations are not finite"),
    ],
)
def test_what_can_not_be_compared_is_refused(
    predicted: list[float], observed: list[float], message: str
) -> None:
    with pytest.raises(EvaluationError, match=message):
        count_metrics(predicted, observed)


def test_baselines_use_the_calibration_window_only() -> None:
    frequency, days = [4, 0, 0], [40, 20, 0]

    assert naive_rate(frequency, days, 10).tolist() == [1.0, 0.0, 0.0]
    assert base_mean(frequency, days, 30).tolist() == [2.0, 2.0, 2.0]
    assert base_mean([0], [0], 30).tolist() == [0.0]


@pytest.mark.parametrize(
    ("skill", "letter"),
    [(0.2, "A"), (0.1999, "B"), (0.1, "B"), (0.05, "C"), (0.001, "D"), (0.0, "F"), (-1.0, "F")],
)
def test_grades_change_at_their_bounds(skill: float, letter: str) -> None:
    assert grade(skill) == letter


def test_skill_is_measured_against_the_best_baseline() -> None:
    assert skill_share(0.9, {"weak": 3.0, "strong": 1.0}) == pytest.approx(0.1)
    assert skill_share(0.0, {"perfect": 0.0}) == 0.0
    with pytest.raises(EvaluationError, match="no baseline"):
        skill_share(1.0, {})


def test_bins_are_deciles_of_the_prediction() -> None:
    predicted = np.arange(100.0)
    bins = calibration_bins(predicted[::-1], 2 * predicted[::-1])

    assert bins["bin"].tolist() == list(range(1, 11))
    assert bins["customers"].tolist() == [10] * 10
    assert bins["predicted_mean"].tolist() == [4.5 + 10 * step for step in range(10)]
    assert bins["observed_mean"].tolist() == [9.0 + 20 * step for step in range(10)]


def test_equal_predictions_share_one_bin() -> None:
    bins = calibration_bins([0.0] * 60 + [1.0] * 40, [0.0] * 60 + [1.0] * 40)

    assert bins["customers"].tolist() == [60, 40]
    assert bins["predicted_mean"].tolist() == [0.0, 1.0]
    assert bins["bin"].is_unique
