"""The purchase log, its statistics and its as-of features."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest

from ml.lifetime_value import LifetimeValueError
from ml.lifetime_value.purchases import (
    day_number,
    feature_frame,
    outcome_after,
    purchase_log,
    summary_before,
)
from tests.unit.ml import cdnow, purchase_examples


def _frame(*rows: tuple[str, str, float]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "purchase_date", "net_amount"])
    return frame.assign(purchase_date=pd.to_datetime(frame["purchase_date"]))


def test_statistics_are_those_of_the_sql() -> None:
    log = purchase_log(purchase_examples.cdnow_purchases())
    known = log.before(day_number(cdnow.CALIBRATION_END))
    ours = summary_before(known, day_number(cdnow.CALIBRATION_END))
    outcome = outcome_after(log, day_number(cdnow.CALIBRATION_END), cdnow.HOLDOUT_DAYS)
    theirs = cdnow.calibration_holdout()

    pd.testing.assert_frame_equal(
        ours, theirs[list(ours.columns)], check_dtype=False, check_exact=False, rtol=1e-9
    )
    assert outcome.purchases.tolist() == theirs["holdout_purchases"].tolist()
    assert outcome.value == pytest.approx(theirs["holdout_value"].to_numpy())


def test_returns_lower_the_value_and_are_no_purchases() -> None:
    log = purchase_log(
        _frame(
            ("a", "2020-01-01", 10.0),
            ("a", "2020-01-05", 30.0),
            ("a", "2020-01-07", -8.0),
            # Bought and given back on one day: nothing happened.
            ("a", "2020-01-09", 5.0),
            ("a", "2020-01-09", -5.0),
            ("only_returns", "2020-01-02", -3.0),
            ("free", "2020-01-02", 0.0),
        )
    )
    summary = summary_before(log, day_number(dt.date(2020, 2, 1))).set_index("customer_id")

    assert list(summary.index) == ["a", "free"]
    assert summary.loc["a", "repeat_frequency"] == 1
    # Half of the 8 given back is borne by the first of two purchase days.
    assert summary.loc["a", "repeat_monetary_value"] == pytest.approx(30 - 4)
    later = outcome_after(log, day_number(dt.date(2020, 1, 6)), 30)
    assert later.purchases.tolist() == [0, 0]
    assert later.value.tolist() == [-8, 0]


def test_rows_of_a_day_are_one_purchase_in_any_order_and_type() -> None:
    frame = _frame(("b", "2020-01-03", 1.0), ("a", "2020-01-01", 2.0), ("a", "2020-01-01", 3.0))
    log = purchase_log(frame)
    shuffled = purchase_log(
        frame.iloc[::-1].assign(
            purchase_date=lambda rows: rows["purchase_date"] + pd.Timedelta(hours=5)
        )
    )

    assert log.customer_ids.tolist() == ["a", "b"]
    assert log.amount.tolist() == [5.0, 1.0]
    assert shuffled.day.tolist() == log.day.tolist()


@pytest.mark.parametrize("origin", [dt.date(1997, 4, 1), dt.date(1998, 1, 1)])
def test_features_know_no_future(origin: dt.date) -> None:
    frame = purchase_examples.cdnow_purchases()
    day = day_number(origin)
    past = frame[frame["purchase_date"] < pd.Timestamp(origin)]
    on_all = feature_frame(purchase_log(frame).before(day), day, 90)
    on_past = feature_frame(purchase_log(past), day, 90)

    pd.testing.assert_frame_equal(on_all, on_past, check_exact=True)
    assert np.isfinite(on_all["recency"]).all()


def test_features_count_what_they_say() -> None:
    log = purchase_log(
        _frame(
            ("a", "2020-01-01", 10.0),
            ("a", "2020-01-11", 20.0),
            ("a", "2020-01-21", 30.0),
            ("b", "2020-01-30", 5.0),
        )
    )
    features = feature_frame(log, day_number(dt.date(2020, 1, 31)), 30)
    first, second = features.iloc[0], features.iloc[1]

    assert (first["repeats"], first["recency"], first["tenure"]) == (2, 9, 29)
    assert first["gap_mean"] == 10
    assert first["gap_variation"] == 0
    assert first["gap_irregularity"] == pytest.approx(0)
    assert first["purchases_14d"] == 1
    assert first["amount_first"] == pytest.approx(np.log(11))
    assert np.isnan(second["gap_mean"])
    assert features["purchases_90d"].isna().all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"customer_id": [None]}, "1 rows without customer_id"),
        ({"purchase_date": [None]}, "1 rows without purchase_date"),
        ({"purchase_date": ["soon"]}, "something that is no date"),
        ({"net_amount": [np.inf]}, "missing or infinite"),
        ({"net_amount": ["much"]}, "something that is no number"),
    ],
)
def test_bad_rows_are_named(change: dict[str, list[object]], message: str) -> None:
    row: dict[str, list[object]] = {
        "customer_id": ["a"],
        "purchase_date": ["2020-01-01"],
        "net_amount": [1.0],
    }
    with pytest.raises(LifetimeValueError, match=message):
        purchase_log(pd.DataFrame(row | change))
    with pytest.raises(LifetimeValueError, match="lacks the column purchase_date"):
        purchase_log(pd.DataFrame({"customer_id": ["a"]}))
