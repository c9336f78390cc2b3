"""The whole estimation: champion, abstention, shapes, errors, and a quiet import of lifetimes.

Formulas and fits are tested in test_lifetime_value_models.
"""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from collections.abc import Hashable

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.evaluation import CALIBRATION_TYPES, MODEL_RUN_TYPES
from ml.lifetime_value import (
    LifetimeValueConfig,
    LifetimeValueError,
    LifetimeValueResult,
    SegmentThresholds,
    estimate_lifetime_value,
)
from ml.lifetime_value import backtest as backtest_module
from ml.lifetime_value import estimate as estimate_module
from ml.lifetime_value.frames import HOLDOUT_COLUMNS, PREDICTION_TYPES, SUMMARY_COLUMNS
from ml.lifetime_value.lifetimes_adapter import Fit, FitError, fit_purchase_model
from ml.lifetime_value.segments import SEGMENT_GRID, purchase_churn_segment
from ml.lifetime_value.sufficient_statistics import CollapsedHistories
from tests.unit.ml import cdnow

PREDICTED = [
    "p_alive",
    "churn_risk",
    "p_purchase_30d",
    "p_purchase_90d",
    "expected_purchases_365d",
    "expected_value",
    "clv_365d",
    "next_purchase_at",
    "next_purchase_p10_at",
    "next_purchase_p90_at",
    "purchase_churn_segment",
]


@pytest.fixture(scope="module")
def result() -> LifetimeValueResult:
    return estimate_lifetime_value(cdnow.summary(), cdnow.calibration_holdout(), cdnow.AS_OF_DATE)


def test_cdnow_is_predicted_by_the_best_model(result: LifetimeValueResult) -> None:
    runs = result.model_runs.set_index("model")

    assert list(runs.index) == ["bg_nbd", "mbg_nbd", "pareto_nbd", "gamma_gamma"]
    assert runs["is_champion"].to_dict() == {
        "bg_nbd": False,
        "mbg_nbd": False,
        "pareto_nbd": True,
        "gamma_gamma": True,
    }
    assert set(result.predictions["model"]) == {"pareto_nbd"}
    assert runs.loc["pareto_nbd", "grade"] == "A"
    assert not runs["is_abstaining"].any()
    assert runs["model_run_id"].is_unique


def test_runs_tell_windows_parameters_and_metrics(result: LifetimeValueResult) -> None:
    runs = {run["model"]: run for run in result.model_runs.to_dict("records")}
    champion, loser = runs["pareto_nbd"], runs["bg_nbd"]

    assert {run["horizon_days"] for run in runs.values()} == {cdnow.HOLDOUT_DAYS}
    for run, last_day in ((champion, dt.date(1998, 6, 30)), (loser, dt.date(1997, 9, 30))):
        assert run["training_start"].date() == cdnow.FIRST_DAY
        assert run["training_end"].date() == last_day
    assert json.loads(loser["parameters"])["alpha"] == pytest.approx(4.414, abs=0.001)
    assert json.loads(champion["metrics"])["rmse"] == pytest.approx(1.603, abs=0.001)
    baselines = json.loads(champion["baseline_metrics"])
    assert baselines["naive_rate"]["mae"] == pytest.approx(1.024, abs=0.001)
    assert "frequency_value_correlation" in json.loads(runs["gamma_gamma"]["metrics"])
    assert "pareto_nbd has the lower holdout RMSE" in loser["reason"]


def test_predictions_hang_together(result: LifetimeValueResult) -> None:
    frame = result.predictions

    assert frame["customer_id"].is_monotonic_increasing
    assert len(frame) == 2357
    assert frame["churn_risk"].to_numpy() == pytest.approx(1 - frame["p_alive"].to_numpy())
    assert (frame["p_purchase_30d"] <= frame["p_purchase_90d"]).all()
    assert (frame["p_purchase_90d"] <= frame["p_alive"]).all()
    assert frame[PREDICTED[:7]].notna().to_numpy().all()
    # Discounting by 10 % a year takes between 0 and 1/11 of the value.
    share = frame["clv_365d"] / (frame["expected_purchases_365d"] * frame["expected_value"])
    assert share.between(1 / 1.1, 1).all()
    as_of = pd.Timestamp(cdnow.AS_OF_DATE)
    latest = as_of + pd.Timedelta(days=1095)
    for name in ("next_purchase_p10_at", "next_purchase_at", "next_purchase_p90_at"):
        assert frame[name].dropna().between(as_of, latest).all()
    assert frame["next_purchase_p90_at"].isna().any()
    assert not (frame["next_purchase_at"] > frame["next_purchase_p90_at"]).any()
    assert frame["purchase_churn_segment"].isin(np.array(SEGMENT_GRID).ravel()).all()


def test_calibration_covers_every_candidate(result: LifetimeValueResult) -> None:
    per_model = result.calibration.groupby("model")["customers"].sum()

    assert per_model.to_dict() == dict.fromkeys(("bg_nbd", "mbg_nbd", "pareto_nbd"), 2357)


def test_row_order_and_types_of_input_do_not_matter(result: LifetimeValueResult) -> None:
    summary = cdnow.summary().sample(frac=1.0, random_state=1)
    holdout = cdnow.calibration_holdout().sample(frac=1.0, random_state=2)
    summary["repeat_frequency"] = summary["repeat_frequency"].astype("Int64")
    summary["repeat_monetary_value"] = summary["repeat_monetary_value"].astype("Float64")
    again = estimate_lifetime_value(summary, holdout, cdnow.AS_OF_DATE)

    for name in ("predictions", "model_runs", "calibration"):
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name), check_exact=True)


def test_margin_and_discount_scale_the_value(result: LifetimeValueResult) -> None:
    config = LifetimeValueConfig(
        candidate_models=("pareto_nbd",), margin_share=0.3, annual_discount_rate=0.0
    )
    frame = estimate_lifetime_value(
        cdnow.summary(), cdnow.calibration_holdout(), cdnow.AS_OF_DATE, config
    ).predictions

    undiscounted = frame["expected_purchases_365d"] * frame["expected_value"]
    assert frame["clv_365d"].to_numpy() == pytest.approx((0.3 * undiscounted).to_numpy())
    assert frame["p_alive"].to_numpy() == pytest.approx(result.predictions["p_alive"].to_numpy())


def assert_abstains(result: LifetimeValueResult, customers: int) -> None:
    frame = result.predictions
    assert len(frame) == customers
    assert dict(frame.dtypes.astype(str)) == {
        name: str(pd.Series(dtype=kind).dtype) for name, kind in PREDICTION_TYPES.items()
    }
    assert frame["is_abstaining"].all()
    assert set(frame["model"]) == {"rfm_rules"}
    assert frame[PREDICTED].isna().to_numpy().all()
    assert not result.model_runs["is_champion"].any()
    assert result.model_runs["reason"].notna().all()


@pytest.mark.parametrize("kind", ["shuffled", "noise"])
def test_a_holdout_unrelated_to_history_makes_every_purchase_model_abstain(kind: str) -> None:
    holdout = cdnow.calibration_holdout()
    outcome = ["holdout_purchases", "holdout_value"]
    if kind == "shuffled":
        holdout[outcome] = holdout[outcome].sample(frac=1.0, random_state=9).to_numpy()
    else:
        rate = holdout["repeat_frequency"].sum() / holdout["t_days"].sum() * cdnow.HOLDOUT_DAYS
        holdout["holdout_purchases"] = np.random.default_rng(1).poisson(rate, len(holdout))
        holdout["holdout_value"] = 20.0 * holdout["holdout_purchases"]
    result = estimate_lifetime_value(cdnow.summary(), holdout, cdnow.AS_OF_DATE)
    purchases = result.model_runs[result.model_runs["model"] != "gamma_gamma"]

    assert_abstains(result, 2357)
    assert set(purchases["grade"]) == {"F"}
    assert purchases["reason"].str.contains("no better than .* by the baseline base_mean").all()


def test_too_few_repeat_customers_abstain_with_the_count() -> None:
    repeats = cdnow.calibration_holdout().query("repeat_frequency > 0").head(49)
    summary = cdnow.summary().head(100)
    result = estimate_lifetime_value(summary, repeats, cdnow.AS_OF_DATE)

    assert_abstains(result, 100)
    assert result.model_runs["reason"].str.contains("Only 49 customers").all()
    assert len(result.model_runs) == 4


def test_no_customers_give_empty_frames_with_the_right_columns() -> None:
    result = estimate_lifetime_value(
        pd.DataFrame(columns=list(SUMMARY_COLUMNS)),
        pd.DataFrame(columns=list(HOLDOUT_COLUMNS)),
        cdnow.AS_OF_DATE,
    )

    assert list(result.predictions.columns) == list(PREDICTION_TYPES)
    assert list(result.model_runs.columns) == list(MODEL_RUN_TYPES)
    assert list(result.calibration.columns) == list(CALIBRATION_TYPES)
    assert result.predictions.empty and result.model_runs.empty and result.calibration.empty


def test_one_customer_without_history_abstains() -> None:
    summary = pd.DataFrame([("C1", 0, 0, 0, None)], columns=list(SUMMARY_COLUMNS))
    holdout = pd.DataFrame(columns=list(HOLDOUT_COLUMNS))
    result = estimate_lifetime_value(summary, holdout, dt.date(2018, 1, 2))

    assert_abstains(result, 1)
    assert result.model_runs["horizon_days"].isna().all()


def test_abstention_arrives_as_null_in_duckdb() -> None:
    summary = pd.DataFrame([("C1", 1, 3, 9, 5.0)], columns=list(SUMMARY_COLUMNS))
    holdout = pd.DataFrame(columns=list(HOLDOUT_COLUMNS))
    frame = estimate_lifetime_value(summary, holdout, dt.date(2018, 1, 2)).predictions
    with duckdb.connect() as connection:
        connection.register("predictions", frame)
        types = {row[0]: row[1] for row in connection.execute("describe predictions").fetchall()}
        nulls = connection.execute(
            "select p_alive is null and next_purchase_at is null "
            "and purchase_churn_segment is null from predictions"
        ).fetchall()

    assert nulls == [(True,)]
    assert types["p_alive"] == "DOUBLE"
    assert types["purchase_churn_segment"] == "VARCHAR"
    assert types["next_purchase_at"] == types["as_of_date"] == "TIMESTAMP"


def test_a_model_that_does_not_converge_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def stubborn(name: str, collapsed: CollapsedHistories) -> Fit:
        if name == "pareto_nbd":
            raise FitError("pareto_nbd did not settle.")
        return fit_purchase_model(name, collapsed)

    monkeypatch.setattr(backtest_module, "fit_purchase_model", stubborn)
    monkeypatch.setattr(estimate_module, "fit_purchase_model", stubborn)
    result = estimate_lifetime_value(cdnow.summary(), cdnow.calibration_holdout(), cdnow.AS_OF_DATE)
    runs = result.model_runs.set_index("model")

    assert runs.loc["pareto_nbd", "reason"] == "pareto_nbd did not settle."
    assert runs.loc["pareto_nbd", "is_abstaining"]
    assert runs.loc["mbg_nbd", "is_champion"]


def test_a_champion_that_fails_on_all_data_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    def stubborn(name: str, collapsed: CollapsedHistories) -> Fit:
        if name == "pareto_nbd":
            raise FitError("it did not settle.")
        return fit_purchase_model(name, collapsed)

    monkeypatch.setattr(estimate_module, "fit_purchase_model", stubborn)
    result = estimate_lifetime_value(cdnow.summary(), cdnow.calibration_holdout(), cdnow.AS_OF_DATE)
    runs = result.model_runs.set_index("model")

    assert str(runs.loc["pareto_nbd", "reason"]).endswith("on all data: it did not settle.")
    assert set(result.predictions["model"]) == {"mbg_nbd"}


@pytest.mark.parametrize("column", HOLDOUT_COLUMNS)
def test_a_missing_column_is_named(column: str) -> None:
    holdout = cdnow.calibration_holdout().drop(columns=column)
    with pytest.raises(LifetimeValueError, match=f"calibration_holdout.*lacks.* {column};"):
        estimate_lifetime_value(cdnow.summary(), holdout, cdnow.AS_OF_DATE)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t_days": 1}, "age_at_last_purchase_days above t_days, first customer_id 00004"),
        ({"repeat_frequency": -1}, "negative or fractional"),
        ({"repeat_frequency": 1.5}, "negative or fractional"),
        ({"repeat_frequency": 0}, "0 with repeats, or above 0 without"),
        ({"t_days": None}, "NULL or infinite statistic"),
        ({"t_days": "soon"}, "t_days holds something that is not a number"),
        ({"repeat_monetary_value": np.inf}, "infinite repeat_monetary_value"),
        ({"customer_id": None}, "without customer_id"),
        ({"customer_id": "00018"}, "more than one row for customer_id 00018"),
    ],
)
def test_contradictory_statistics_are_refused(change: dict[Hashable, object], message: str) -> None:
    rows = cdnow.summary().to_dict("records")
    first_with_repeats = next(row for row in rows if row["repeat_frequency"] > 0)
    assert first_with_repeats["customer_id"] == "00004"
    first_with_repeats.update(change)
    summary = pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))
    with pytest.raises(LifetimeValueError, match=message):
        estimate_lifetime_value(summary, cdnow.calibration_holdout(), cdnow.AS_OF_DATE)


def test_two_horizons_in_one_backtest_are_refused() -> None:
    holdout = cdnow.calibration_holdout()
    holdout.loc[0, "holdout_days"] = 1
    with pytest.raises(LifetimeValueError, match="one backtest has one horizon"):
        estimate_lifetime_value(cdnow.summary(), holdout, cdnow.AS_OF_DATE)


@pytest.mark.parametrize(
    "arguments",
    [
        {"candidate_models": ("bg_nbd", "arima")},
        {"candidate_models": ()},
        {"candidate_models": ("bg_nbd", "bg_nbd")},
        {"clock": "hour"},
        {"margin_share": 0.0},
        {"annual_discount_rate": 10.0},
        {"min_repeat_customers": 0},
        {"furthest_next_purchase_days": 0},
    ],
)
def test_configuration_without_meaning_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(LifetimeValueError, match=next(iter(arguments))):
        LifetimeValueConfig(**arguments)  # type: ignore[arg-type]


def test_segment_cuts_belong_to_the_cell_above() -> None:
    thresholds = SegmentThresholds()
    segments = purchase_churn_segment(
        np.array([0.19, 0.2, 0.5, 0.5, 0.0]), np.array([0.0, 0.29, 0.3, 0.7, 1.0]), thresholds
    )

    assert segments.tolist() == [
        "slow_but_loyal",
        "steady",
        "active_at_risk",
        "last_chance",
        "probably_lost",
    ]
    with pytest.raises(LifetimeValueError, match="medium < high"):
        SegmentThresholds(medium_churn_risk=0.8)


def test_importing_and_fitting_leaves_pandas_and_warnings_alone() -> None:
    """In a process of its own, since this one has imported lifetimes long ago."""
    script = """
import warnings, numpy as np, pandas as pd, scipy.special, scipy.optimize
from pandas._config import config
import pandas.plotting
def state():
    options = {k: pd.get_option(k) for k in config._registered_options}
    return options, list(warnings.filters), np.geterr()
before = state()
import ml.lifetime_value.lifetimes_adapter as adapter
assert state() == before, "import"
from ml.lifetime_value.sufficient_statistics import CollapsedHistories, History
x, t_x, age = (np.array(v) for v in ([0.0, 1, 2, 5, 9], [0.0, 3, 9, 9, 20], [30.0] * 5))
rows = CollapsedHistories(History(x, t_x, age), np.ones(5), np.arange(5))
for name in ("bg_nbd", "mbg_nbd", "pareto_nbd"):
    try:
        adapter.fit_purchase_model(name, rows)
    except adapter.FitError:
        pass
assert state() == before, "fit"
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
