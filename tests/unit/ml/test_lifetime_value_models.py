"""Closed forms against simulation and lifetimes; fits against planted parameters.

Published parameters are in test_lifetime_value_published, the whole estimation in
test_lifetime_value.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest

from ml.lifetime_value import LifetimeValueConfig
from ml.lifetime_value import lifetimes_adapter as adapter
from ml.lifetime_value.lifetimes_adapter import FitError, fit_purchase_model
from ml.lifetime_value.pareto_nbd import ParetoNbd, _log_quadrature, _log_series
from ml.lifetime_value.purchase_models import purchase_model, waiting_days_quantile
from ml.lifetime_value.spend import GammaGamma, fit_spend
from ml.lifetime_value.sufficient_statistics import CollapsedHistories, History, collapse
from tests.unit.ml import cdnow
from tests.unit.ml.lifetime_value_simulation import simulate

TRUTH = {
    "bg_nbd": {"r": 0.8, "alpha": 6.0, "a": 0.9, "b": 3.0},
    "mbg_nbd": {"r": 0.8, "alpha": 6.0, "a": 0.9, "b": 3.0},
    "pareto_nbd": {"r": 0.8, "alpha": 6.0, "s": 0.7, "beta": 15.0},
}
LIFETIMES = {
    "bg_nbd": adapter.BetaGeoFitter,
    "mbg_nbd": adapter.ModifiedBetaGeoFitter,
    "pareto_nbd": adapter.ParetoNBDFitter,
}


def one_row_each(frame: pd.DataFrame) -> CollapsedHistories:
    history = History(
        *(frame[name].to_numpy() for name in ("frequency", "age_at_last_purchase", "age"))
    )
    return CollapsedHistories(history, np.ones(len(frame)), np.arange(len(frame)))


@pytest.mark.parametrize("name", TRUTH)
def test_forecasts_come_true_in_simulated_markets(name: str) -> None:
    frame = simulate(
        name, TRUTH[name], customers=150_000, observed_days=280, further_days=90, seed=7
    )
    history = one_row_each(frame).history
    model = purchase_model(name, TRUTH[name])
    outcomes = pd.DataFrame(
        {
            "group": np.minimum(frame["frequency"], 6),
            "is_alive": frame["is_alive"].astype(float) - model.p_alive(history),
            "within_30": (frame["first_wait"] <= 30 / 7).astype(float)
            - model.p_purchase(history, 30 / 7),
            "within_90": (frame["first_wait"] <= 90 / 7).astype(float)
            - model.p_purchase(history, 90 / 7),
            "purchases": frame["further_purchases"] - model.expected_purchases(history, 90 / 7),
        }
    )
    # What happened minus what was forecast has mean 0 given the history, group by group: 28
    # comparisons, so four standard errors leave about one chance in 600 of a false alarm.
    for _, group in outcomes.groupby("group"):
        for name in ("is_alive", "within_30", "within_90", "purchases"):
            error = group[name].to_numpy()
            tolerance = 4 * error.std() / np.sqrt(len(error)) + 1e-12
            assert abs(error.mean()) <= tolerance, name


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd"])
def test_half_of_the_living_have_bought_by_the_median_wait(name: str) -> None:
    frame = simulate(
        name, TRUTH[name], customers=100_000, observed_days=280, further_days=400, seed=11
    )
    history = one_row_each(frame).history
    median = waiting_days_quantile(purchase_model(name, TRUTH[name]), history, 0.5) / 7
    can_be_seen = frame["is_alive"] & (median < 400 / 7)
    bought = frame["first_wait"][can_be_seen] <= median[can_be_seen]

    assert can_be_seen.sum() > 20_000
    assert bought.mean() == pytest.approx(0.5, abs=0.012)


@pytest.mark.parametrize("name", TRUTH)
def test_closed_forms_agree_with_lifetimes_where_it_is_finite(name: str) -> None:
    history = collapse(cdnow.summary()).history
    model = purchase_model(name, TRUTH[name])
    theirs = LIFETIMES[name]()
    theirs.params_ = pd.Series(TRUTH[name])
    statistics = (history.frequency, history.age_at_last_purchase, history.age)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        alive = theirs.conditional_probability_alive(*statistics)
        expected = theirs.conditional_expected_number_of_purchases_up_to_time(39.0, *statistics)

    assert model.p_alive(history) == pytest.approx(alive, abs=1e-10)
    assert model.expected_purchases(history, 39.0) == pytest.approx(expected, rel=1e-8)


def test_pareto_probability_and_likelihood_agree_with_lifetimes() -> None:
    history = collapse(cdnow.summary()).history
    theirs = adapter.ParetoNBDFitter()
    theirs.params_ = pd.Series(TRUTH["pareto_nbd"])
    ours = ParetoNbd(**TRUTH["pareto_nbd"])
    statistics = (history.frequency, history.age_at_last_purchase, history.age)
    none = theirs.conditional_probability_of_n_purchases_up_to_time(0, 30 / 7, *statistics)
    likelihood = theirs._conditional_log_likelihood(list(TRUTH["pareto_nbd"].values()), *statistics)

    assert 1 - ours.p_purchase(history, 30 / 7) == pytest.approx(none, abs=1e-9)
    assert ours.log_likelihood(history) == pytest.approx(likelihood, abs=1e-9)


@pytest.mark.parametrize("shifts", [(1.36, 14.0), (5.0, 40.0), (0.2, 3.0)])
def test_quadrature_and_series_give_the_same_integral(shifts: tuple[float, float]) -> None:
    near = np.array([0.3, 1.0, 1.4, 5.4, 120.0, 250.0])
    far = np.array([1.2, 1.2, 2.5, 1.6, 1.2, 1.7])
    start, end = np.full(6, 1.0), np.full(6, 26.0)

    quadrature = _log_quadrature(near, far, shifts, start, end)
    assert quadrature == pytest.approx(_log_series(near, far, shifts, start, end), abs=1e-7)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("bg_nbd", {"r": 1.4, "alpha": 1.4, "a": 0.012, "b": 7.2}),
        ("bg_nbd", {"r": 1.4, "alpha": 1.4, "a": 1.0, "b": 2.0}),
        ("bg_nbd", {"r": 1.4, "alpha": 1.4, "a": 400.0, "b": 9000.0}),
        ("mbg_nbd", {"r": 1.4, "alpha": 1.4, "a": 0.014, "b": 8.3}),
        ("pareto_nbd", {"r": 1.4, "alpha": 1.4, "s": 0.2, "beta": 194.0}),
        ("pareto_nbd", {"r": 1.4, "alpha": 1.4, "s": 1.0, "beta": 15.0}),
        ("pareto_nbd", {"r": 1.4, "alpha": 1.4, "s": 1600.0, "beta": 1.8e6}),
        ("pareto_nbd", {"r": 1.4, "alpha": 300.0, "s": 0.4, "beta": 2.0}),
    ],
)
def test_heavy_buyers_get_finite_forecasts(name: str, parameters: dict[str, float]) -> None:
    # Grocery households: up to 250 purchase days a year, down to a last visit 11 months ago.
    frequency, last = (
        grid.ravel() for grid in np.meshgrid([1.0, 50.0, 120.0, 250.0], [1 / 7, 4.0, 30.0, 52.0])
    )
    history = History(frequency, last, np.full_like(frequency, 52.0))
    model = purchase_model(name, parameters)
    p_alive = model.p_alive(history)
    p_30, p_90 = (model.p_purchase(history, days / 7) for days in (30, 90))
    month, year = (model.expected_purchases(history, days / 7) for days in (30, 365))

    for values in (p_alive, p_30, p_90):
        assert np.isfinite(values).all() and (values >= 0).all() and (values <= 1).all()
    assert (p_30 <= p_90 + 1e-12).all() and (p_90 <= p_alive + 1e-12).all()
    assert np.isfinite(year).all() and (month >= p_30 - 1e-9).all() and (month <= year).all()


@pytest.mark.parametrize("name", TRUTH)
def test_collapsing_does_not_change_the_fit(name: str) -> None:
    frame = cdnow.calibration_holdout()
    collapsed = collapse(frame)
    spread = History(
        *(
            getattr(collapsed.history, part)[collapsed.row_of_customer]
            for part in ("frequency", "age_at_last_purchase", "age")
        )
    )
    uncollapsed = CollapsedHistories(spread, np.ones(len(frame)), np.arange(len(frame)))
    ours, theirs = fit_purchase_model(name, collapsed), fit_purchase_model(name, uncollapsed)

    assert collapsed.weight.size < len(frame) / 2
    assert dict(ours.parameters) == pytest.approx(dict(theirs.parameters), rel=1e-6)
    assert ours.log_likelihood == pytest.approx(theirs.log_likelihood, rel=1e-12)


def test_collapsing_keeps_every_customer_in_any_order() -> None:
    frame = cdnow.calibration_holdout()
    shuffled = frame.sample(frac=1.0, random_state=3)
    collapsed, again = collapse(frame), collapse(shuffled)
    statistics = frame["repeat_frequency"], frame["age_at_last_purchase_days"], frame["t_days"]

    assert collapsed.weight.sum() == len(frame)
    for values, expected in zip(vars(collapsed.history).values(), statistics, strict=True):
        back = values[collapsed.row_of_customer]
        assert np.allclose(back, expected if expected is statistics[0] else expected / 7)
    assert (again.weight == collapsed.weight).all()
    assert (again.history.age == collapsed.history.age).all()


def test_the_weekly_clock_rounds_up_and_moves_forecasts_little() -> None:
    frame = cdnow.calibration_holdout()
    daily, weekly = collapse(frame), collapse(frame, "week")

    assert weekly.weight.size < daily.weight.size
    assert (weekly.history.age % 1 == 0).all()
    assert (weekly.history.age_at_last_purchase <= weekly.history.age).all()
    totals = [
        float(
            purchase_model("bg_nbd", fit_purchase_model("bg_nbd", clock).parameters)
            .expected_purchases(clock.history, 39.0)
            .dot(clock.weight)
        )
        for clock in (daily, weekly)
    ]
    assert totals[1] == pytest.approx(totals[0], rel=0.03)


@pytest.mark.parametrize("name", TRUTH)
def test_fits_recover_planted_parameters(name: str) -> None:
    frame = simulate(name, TRUTH[name], customers=40_000, observed_days=500, further_days=0, seed=5)
    fit = fit_purchase_model(name, one_row_each(frame))

    # About four standard errors at 40,000 customers; beta of Pareto/NBD is the weak one.
    assert dict(fit.parameters) == pytest.approx(TRUTH[name], rel=0.15)


def test_gamma_gamma_recovers_planted_parameters_exact_and_binned() -> None:
    truth = {"p": 4.0, "q": 5.0, "v": 80.0}
    random = np.random.default_rng(2)
    frequency = random.integers(1, 8, 30_000)
    rate = random.gamma(truth["q"], 1 / truth["v"], 30_000)
    value = random.gamma(truth["p"] * frequency, 1 / (rate * frequency))
    frame = pd.DataFrame({"repeat_frequency": frequency, "repeat_monetary_value": value})
    exact = fit_spend(frame, LifetimeValueConfig())
    binned = fit_spend(frame, LifetimeValueConfig(gamma_gamma_max_rows=1_000))

    assert dict(exact.parameters) == pytest.approx(truth, rel=0.06)
    assert binned.distinct_rows < exact.distinct_rows / 2
    assert binned.customers == exact.customers == 30_000
    assert dict(binned.parameters) == pytest.approx(dict(exact.parameters), rel=1e-4)


def test_customers_without_repeats_are_worth_the_population_mean() -> None:
    model = GammaGamma(p=6.25, q=3.74, v=15.44)
    values = model.expected_value(np.array([0.0, 5.0, 5.0]), np.array([np.nan, 100.0, -20.0]))

    assert model.population_mean == pytest.approx(6.25 * 15.44 / 2.74)
    assert values[0] == pytest.approx(model.population_mean)
    assert model.population_mean < values[1] < 100
    assert 0 < values[2] < model.population_mean


def test_nobody_with_repeats_is_no_fit_and_says_so() -> None:
    history = History(np.zeros(3), np.zeros(3), np.array([1.0, 2.0, 3.0]))
    with pytest.raises(FitError, match="no customer has a repeat purchase"):
        fit_purchase_model("bg_nbd", CollapsedHistories(history, np.ones(3), np.arange(3)))


def test_an_infinite_population_mean_is_refused() -> None:
    random = np.random.default_rng(4)
    value = 10 * random.pareto(0.6, 2_000) + 0.01
    frame = pd.DataFrame({"repeat_frequency": 1, "repeat_monetary_value": value})
    with pytest.raises(FitError, match="gamma_gamma"):
        fit_spend(frame, LifetimeValueConfig())


@pytest.mark.parametrize("name", ["bg_nbd", "mbg_nbd"])
@pytest.mark.parametrize(("r", "a"), [(0.05, 0.05), (1.0, 2.0), (4.0, 2.0), (0.5, 1.5), (2.5, 0.5)])
def test_forecasts_stay_finite_where_r_less_a_is_an_integer(name: str, r: float, a: float) -> None:
    """Scipy's 2F1 is NaN there for histories much shorter than the forecast, or long ones."""
    frequency = np.repeat([0.0, 1.0, 5.0, 150.0], 3)
    age = np.tile([1 / 7, 2.0, 160.0], 4)
    history = History(frequency, np.where(frequency > 0, age, 0.0), age)

    def forecast(a_nearby: float) -> np.ndarray:
        model = purchase_model(name, {"r": r, "alpha": 0.0625, "a": a_nearby, "b": 4.0})
        return model.expected_purchases(history, 365 / 7)

    exact, nearby = forecast(a), forecast(a * 1.0001)
    assert np.isfinite(exact).all()
    np.testing.assert_allclose(exact, nearby, rtol=2e-3)
