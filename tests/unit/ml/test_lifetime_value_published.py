"""The models against numbers that others published for the CDNOW 1/10 sample.

Parameters: Fader, Hardie and Lee (2005); Fader and Hardie, notes 9 and 25. Holdout: the design.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from ml.evaluation import count_metrics, naive_rate
from ml.lifetime_value import LifetimeValueConfig
from ml.lifetime_value.lifetimes_adapter import Fit, fit_purchase_model
from ml.lifetime_value.purchase_models import purchase_model
from ml.lifetime_value.spend import fit_spend
from ml.lifetime_value.sufficient_statistics import collapse
from tests.unit.ml import cdnow


@pytest.fixture(scope="module")
def fits() -> dict[str, Fit]:
    collapsed = collapse(cdnow.calibration_holdout())
    names = ("bg_nbd", "mbg_nbd", "pareto_nbd")
    return {name: fit_purchase_model(name, collapsed) for name in names}


def test_the_split_is_the_published_one() -> None:
    frame = cdnow.calibration_holdout()

    assert len(frame) == 2357
    assert (frame["repeat_frequency"] > 0).sum() == 946
    assert set(frame["holdout_days"]) == {cdnow.HOLDOUT_DAYS}


@pytest.mark.parametrize(
    ("model", "published", "log_likelihood"),
    [
        ("bg_nbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, -9582.4),
        ("pareto_nbd", {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, -9595.0),
    ],
)
def test_purchase_parameters(
    fits: dict[str, Fit], model: str, published: dict[str, float], log_likelihood: float
) -> None:
    fit = fits[model]

    # Half a unit of the last printed digit.
    assert dict(fit.parameters) == pytest.approx(published, abs=0.0005)
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=0.05)


def test_gamma_gamma_parameters() -> None:
    fit = fit_spend(cdnow.calibration_holdout(), LifetimeValueConfig())

    assert fit.customers == 946
    assert dict(fit.parameters) == pytest.approx({"p": 6.25, "q": 3.74, "v": 15.44}, abs=0.005)


@pytest.mark.parametrize(
    ("model", "mae", "correlation", "capture"),
    [
        ("naive_rate", 1.024, 0.584, 0.458),
        ("bg_nbd", 0.786, 0.626, 0.467),
        ("mbg_nbd", 0.765, 0.627, 0.475),
        ("pareto_nbd", 0.755, 0.630, 0.470),
    ],
)
def test_holdout_table(
    fits: dict[str, Fit], model: str, mae: float, correlation: float, capture: float
) -> None:
    frame = cdnow.calibration_holdout()
    metrics = count_metrics(_forecast(fits, model), frame["holdout_purchases"])

    assert metrics["mae"] == pytest.approx(mae, abs=0.005)
    assert metrics["correlation"] == pytest.approx(correlation, abs=0.005)
    assert metrics["top_10_share_capture"] == pytest.approx(capture, abs=0.005)


def test_holdout_rmse_of_pareto_nbd(fits: dict[str, Fit]) -> None:
    frame = cdnow.calibration_holdout()
    metrics = count_metrics(_forecast(fits, "pareto_nbd"), frame["holdout_purchases"])

    assert metrics["rmse"] == pytest.approx(1.603, abs=0.001)


def _forecast(fits: dict[str, Fit], model: str) -> NDArray[np.float64]:
    frame = cdnow.calibration_holdout()
    if model == "naive_rate":
        return naive_rate(frame["repeat_frequency"], frame["t_days"], cdnow.HOLDOUT_DAYS)
    collapsed = collapse(frame)
    forecast = purchase_model(model, fits[model].parameters).expected_purchases(
        collapsed.history, cdnow.HOLDOUT_DAYS / 7
    )
    return forecast[collapsed.row_of_customer]
