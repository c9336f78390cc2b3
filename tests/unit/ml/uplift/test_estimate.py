"""Uplift on made campaigns: planted effects are found, nothing is found in nothing, the rest refused."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from benchmarks.uplift.report import qini_of_truth
from ml.uplift import (
    UpliftConfig,
    UpliftError,
    UpliftResult,
    UpliftTables,
    estimate_uplift,
    uplift_tables,
)
from tests.unit.ml.uplift.campaigns import FAST, FEATURES, campaign


def estimate(frame: pd.DataFrame, config: UpliftConfig = FAST, **options: str) -> UpliftResult:
    columns = {"treatment": "arm", "outcome": "bought", **options}
    return estimate_uplift(frame, features=FEATURES, seed=1, config=config, **columns)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def moved() -> tuple[pd.DataFrame, UpliftResult]:
    frame = campaign(6_000, 7, moved=0.3)
    return frame, estimate(frame)


def test_a_planted_effect_is_ranked_nearly_as_by_an_oracle(
    moved: tuple[pd.DataFrame, UpliftResult],
) -> None:
    frame, result = moved
    arm = result.arms[0]
    truth = frame["true_effect"].to_numpy()

    assert (arm.arm, arm.control, arm.is_abstaining) == ("Letter", "No letter", False)
    assert qini_of_truth(arm.honest_uplift, truth) >= 0.8 * qini_of_truth(truth, truth)
    assert arm.effect is not None
    assert arm.effect.low < truth.mean() < arm.effect.high
    assert arm.grade == "A"
    table = arm.learners.set_index("learner")
    assert table.loc["chosen (honest)", "qini"] > table.loc["response_model", "qini"]


def test_who_gains_and_who_is_harmed_in_words(moved: tuple[pd.DataFrame, UpliftResult]) -> None:
    segments = moved[1].arms[0].segments

    assert segments["verdict"].iloc[0] == "gains"
    assert "visits up to" in segments["segment"].iloc[0]
    harmed = segments[segments["verdict"] == "harmed"]
    assert harmed["segment"].str.contains("channel is web").all() and len(harmed)
    assert harmed["segment_es"].str.contains("channel es web").all()
    assert segments["share"].sum() == pytest.approx(1)


def test_predictions_are_calibrated_and_score_other_customers(
    moved: tuple[pd.DataFrame, UpliftResult],
) -> None:
    arm = moved[1].arms[0]
    deciles = arm.calibration
    assert np.corrcoef(deciles["predicted_uplift"], deciles["observed_uplift"])[0, 1] > 0.8
    assert arm.model is not None
    assert arm.model.predict(moved[0]).mean() == pytest.approx(arm.honest_uplift.mean(), abs=0.005)
    others = campaign(500, 99).assign(channel="branch")
    others.loc[0, "channel"] = None
    scores = arm.model.predict(others[FEATURES])
    assert np.isfinite(scores).all()
    with pytest.raises(UpliftError, match="lacks the feature 'age'"):
        arm.model.predict(others[["visits", "channel", "mails"]])


def test_equal_seeds_give_equal_results(moved: tuple[pd.DataFrame, UpliftResult]) -> None:
    frame, result = moved
    again = estimate(frame.copy())
    pd.testing.assert_frame_equal(result.arms[0].learners, again.arms[0].learners)
    assert (result.arms[0].honest_uplift == again.arms[0].honest_uplift).all()


def tables(result: UpliftResult, customers: pd.DataFrame) -> UpliftTables:
    return uplift_tables(
        result, customers, campaign="spring", as_of=dt.date(2025, 7, 1), horizon_days=7
    )


def test_published_tables_have_no_nan_and_say_who_is_moved(
    moved: tuple[pd.DataFrame, UpliftResult],
) -> None:
    frame, result = moved
    customers = frame.assign(customer_id=[f"C{number}" for number in range(len(frame))])
    found = tables(result, customers)

    assert len(found.customers) == len(frame) and not found.customers.isna().any().any()
    best = frame["true_effect"].to_numpy()[found.customers["uplift_decile"].to_numpy() == 1]
    assert best.mean() > 0.2
    assert found.effects["effect"].iloc[0] == pytest.approx(result.arms[0].effect.effect)  # type: ignore[union-attr]
    run = found.model_runs.iloc[0]
    assert (run["model"], run["grade"], run["is_champion"]) == ("uplift:spring:Letter", "A", True)
    assert json.loads(run["metrics"])["qini"] > 0
    assert found.calibration["bin"].tolist() == list(range(1, 11))
    assert len(found.segments) == len(result.arms[0].segments)


def test_what_was_refused_is_published_as_unknown_with_its_reason() -> None:
    frame = campaign(300, 1).assign(customer_id="C1")
    found = tables(estimate(frame), frame.head(2))

    assert found.customers["is_abstaining"].all() and found.customers["uplift"].isna().all()
    assert found.customers["uplift"].tolist() == [pd.NA, pd.NA]
    assert "fewer than the 200" in found.effects["reason"].iloc[0]
    assert found.model_runs["is_abstaining"].all() and found.segments.empty


def test_nothing_is_found_where_everybody_is_moved_alike() -> None:
    frame = campaign(3_000, 3)
    rng = np.random.default_rng(5)
    frame["bought"] = (rng.random(3_000) < 0.2 + 0.1 * (frame["arm"] == "Letter")).astype(int)
    arm = estimate(frame).arms[0]

    assert arm.is_abstaining and arm.grade == "F" and arm.choice is None
    assert "not better than chance" in arm.reason
    assert arm.effect is not None and arm.effect.low > 0


def test_amounts_and_arms_that_share_a_control_group() -> None:
    frame = campaign(3_000, 8, moved=0.3)
    frame.loc[frame.index[::3], "arm"] = "Phone call"
    frame["spent"] = frame["bought"] * 20.0
    frame.loc[frame["arm"] == "Phone call", "spent"] = 0.0
    result = estimate(frame, outcome="spent")

    assert [arm.arm for arm in result.arms] == ["Letter", "Phone call"]
    assert not result.is_binary
    assert "0 customers with an outcome" in result.arms[1].reason
    assert result.arms[0].learners["qini_normalised"].isna().all()


def test_what_was_not_randomised_is_refused() -> None:
    arm = estimate(campaign(3_000, 4, moved=0.3, drawn_by="visits")).arms[0]

    assert arm.is_abstaining and arm.effect is None and arm.learners.empty
    assert "not random" in arm.reason and "visits differs most" in arm.reason


def test_a_feature_that_comes_from_the_treatment_is_refused() -> None:
    frame = campaign(3_000, 4, moved=0.3)
    frame["mails"] = np.where(frame["arm"] == "Letter", 1, 0)
    assert "mails differs most" in estimate(frame).arms[0].reason


@pytest.mark.parametrize(
    ("rows", "reason"),
    [(3, "fewer than the 200"), (300, "fewer than the 200")],
)
def test_too_few_customers(rows: int, reason: str) -> None:
    frame = campaign(rows, 1)
    frame["arm"] = np.where(np.arange(rows) % 2 == 0, "Letter", "No letter")
    assert reason in estimate(frame).arms[0].reason


def test_an_outcome_that_never_or_always_happens() -> None:
    nobody = estimate(campaign(1_000, 1).assign(bought=0)).arms[0]
    assert "0 customers with an outcome" in nobody.reason
    everybody = estimate(campaign(1_000, 1).assign(bought=1)).arms[0]
    assert "same for everybody" in everybody.reason


def test_input_that_cannot_be_understood() -> None:
    frame = campaign(500, 1)
    with pytest.raises(UpliftError, match="nobody was left without"):
        estimate(frame.assign(arm="Letter"))
    with pytest.raises(UpliftError, match="nobody was left without"):
        estimate(frame.head(1))
    with pytest.raises(UpliftError, match="no rows"):
        estimate(frame.head(0))
    with pytest.raises(UpliftError, match="no value in any row"):
        estimate(frame.assign(bought=None))
    with pytest.raises(UpliftError, match="no column 'sales'"):
        estimate(frame, outcome="sales")
    with pytest.raises(UpliftError, match="name it with control"):
        estimate(frame.assign(arm=np.where(frame["arm"] == "Letter", "A", "B")))
    with pytest.raises(UpliftError, match="no number and no yes"):
        estimate(frame.assign(bought="perhaps"))
    with pytest.raises(UpliftError, match="No feature is left"):
        estimate(frame.assign(visits=1, channel="web", age=1.0, mails=2))
    with pytest.raises(UpliftError, match="as a feature"):
        estimate_uplift(frame, treatment="arm", outcome="bought", features=["bought"], seed=1)


def test_rows_without_treatment_or_outcome_are_left_out_and_said() -> None:
    frame = campaign(1_200, 2)
    frame["bought"] = frame["bought"].map({0: "no", 1: "yes"})
    frame.loc[:9, "arm"] = None
    frame.loc[10:19, "bought"] = ""
    result = estimate(frame, replace(FAST, min_customers=900))
    assert result.notes == ("20 of 1,200 rows have no treatment or no outcome and were left out.",)


def test_repeated_customers_are_held_out_whole_and_widen_intervals() -> None:
    frame = campaign(1_500, 6)
    frame["who"] = np.arange(len(frame)) // 3
    frame["bought"] = np.repeat(np.random.default_rng(1).random(500) < 0.3, 3).astype(int)
    strict = replace(FAST, min_customers=1_400)
    alone = estimate(frame, strict).arms[0].effect
    together = estimate(frame, strict, customer="who").arms[0].effect
    assert alone is not None and together is not None
    assert together.effect == alone.effect
    assert together.standard_error != alone.standard_error


def test_many_rows_of_few_customers_are_few_customers() -> None:
    frame = campaign(1_000, 6).assign(who=np.arange(1_000) % 7)
    assert "come from 7 customers" in estimate(frame, customer="who").arms[0].reason


def test_configurations_that_mean_nothing() -> None:
    with pytest.raises(UpliftError, match="learners"):
        UpliftConfig(learners=("ensemble",))
    with pytest.raises(UpliftError, match="outer_folds"):
        UpliftConfig(outer_folds=1)
    with pytest.raises(UpliftError, match="confidence"):
        UpliftConfig(confidence=1.0)
    with pytest.raises(UpliftError, match="min_customers"):
        UpliftConfig(min_customers=2)
    with pytest.raises(UpliftError, match="min_outcomes"):
        UpliftConfig(min_outcomes=0)
    with pytest.raises(UpliftError, match="bootstrap_samples"):
        UpliftConfig(bootstrap_samples=1)
