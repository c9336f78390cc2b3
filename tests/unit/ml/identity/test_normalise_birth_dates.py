"""Dates of birth against the time of the record."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pandas as pd
import pytest

from ml.identity.normalise.birth_dates import normalise_birth_dates

SEEN_AT = datetime(2024, 5, 10, 12)
PLAUSIBLE = [date(1924, 1, 1) + timedelta(days=901 * step) for step in range(40)]
IMPLAUSIBLE = [
    (date(1900, 1, 1), "default_date"),
    (date(1899, 12, 30), "default_date"),
    (date(1901, 1, 1), "default_date"),
    (date(1911, 11, 11), "default_date"),
    (date(1850, 3, 2), "impossible_date"),
    (date(1899, 3, 2), "impossible_date"),
    (date(1905, 3, 2), "impossible_date"),
    (date(1, 1, 1), "impossible_date"),
    (date(9999, 12, 31), "impossible_date"),
    (date(2024, 5, 28), "impossible_date"),
    (date(2031, 2, 3), "impossible_date"),
    (date(2024, 8, 3), "day_month_swapped"),
    (date(2024, 12, 1), "day_month_swapped"),
    (date(2024, 11, 4), "day_month_swapped"),
]


def judge(*dates: date | None) -> pd.DataFrame:
    return normalise_birth_dates(
        pd.Series(list(dates), dtype="object"), pd.Series([SEEN_AT] * len(dates))
    )


def test_plausible_dates_stay() -> None:
    result = judge(*PLAUSIBLE)
    assert result["is_birth_date_valid"].all()
    assert result["birth_date"].dt.date.tolist() == PLAUSIBLE


@pytest.mark.parametrize(("born", "issue"), IMPLAUSIBLE)
def test_implausible_dates_go_with_a_reason(born, issue) -> None:
    (row,) = judge(born).to_dict("records")
    assert pd.isna(row["birth_date"])
    assert (row["is_birth_date_valid"], row["birth_date_issue"]) == (False, issue)


def test_nothing_delivered_is_neither_valid_nor_invalid() -> None:
    assert judge(None).iloc[0].isna().all()


def test_a_record_without_a_time_is_judged_by_the_date_alone() -> None:
    result = normalise_birth_dates(
        pd.Series([date(1980, 1, 2), date(1900, 1, 1)]), pd.Series([pd.NaT, pd.NaT])
    )
    assert result["is_birth_date_valid"].tolist() == [True, False]


@pytest.mark.parametrize(
    ("text", "born", "issue"),
    [
        ("30/02/1974", None, "impossible_date"),
        ("00/00/1958", None, "impossible_date"),
        ("n/c", None, "impossible_date"),
        ("03/25/1980", date(1980, 3, 25), "day_month_swapped"),
        ("12/31/2099", None, "impossible_date"),
    ],
)
def test_what_is_no_date_is_judged_by_its_text(text, born, issue) -> None:
    result = normalise_birth_dates(
        pd.Series([None], dtype="object"), pd.Series([SEEN_AT]), pd.Series([text])
    )
    (row,) = result.to_dict("records")
    assert (pd.isna(row["birth_date"]), row["is_birth_date_valid"]) == (
        born is None,
        born is not None,
    )
    assert row["birth_date_issue"] == issue
    if born:
        assert row["birth_date"].date() == born
