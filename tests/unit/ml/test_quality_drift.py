"""Drift of profiles: planted changes are found and named, sampling noise is not.

Belongs here: decisions on made-up profiles. Does not: computing profiles from tables.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.quality import PROBABILITIES, TABLE_ROW, judge_profiles, population_stability_index
from ml.quality.deliveries import day_of, days_covered, series_of

RNG = np.random.default_rng(7)


def quantiles(values: np.ndarray) -> list[float]:
    return [float(value) for value in np.quantile(values, PROBABILITIES)]


def profile(month: int, **given: Any) -> dict[str, Any]:
    """Return a month's profile of a column whose values never change, with what is given."""
    return {
        "source_system": "erp",
        "table_name": "customers",
        "column_name": "phone",
        "delivery_series": "clientes_99999999.csv",
        "delivery": f"2024-{month:02d}-01",
        "loaded_at": datetime(2024, 12, 1),
        "source_file": f"clientes_2024{month:02d}01.csv",
        "rows": 1_000,
        "rows_sampled": 1_000,
        "rows_per_day": 0.0,
        "null_share": 0.02,
        "quantiles": None,
        "pattern": "999999999",
        "pattern_share": 0.97,
        "common_values": None,
        "undeclared_columns": "",
        "renamed_columns": "",
        "is_distribution_compared": True,
        **given,
    }


def verdict(new: dict[str, Any], earlier: list[dict[str, Any]]) -> pd.Series[Any]:
    return judge_profiles(pd.DataFrame([new]), pd.DataFrame(earlier)).iloc[0]


EARLIER = [profile(month) for month in range(1, 6)]


def test_the_same_again_is_no_drift() -> None:
    found = verdict(profile(6), EARLIER)
    assert (found["drift_severity"], found["drift_kinds"]) == ("none", "")


def test_a_first_delivery_has_nothing_to_differ_from() -> None:
    assert verdict(profile(1, null_share=1.0), [])["drift_severity"] == "none"


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"null_share": 0.4}, "null_share"),
        ({"null_share": 1.0, "pattern": None, "pattern_share": 0.0}, "emptied"),
        ({"pattern": "+99 999999999", "pattern_share": 0.95}, "pattern"),
        ({"pattern_share": 0.5}, "pattern"),
    ],
)
def test_a_planted_change_warns_and_names_its_kind(change: dict[str, Any], kind: str) -> None:
    found = verdict(profile(6, **change), EARLIER)
    assert found["drift_severity"] == "warning"
    assert found["drift_kinds"] == kind
    assert found["drift_reason"].endswith(".") or found["drift_reason"].endswith("letters).")


def test_another_share_in_a_few_rows_is_chance() -> None:
    few = [profile(month, rows=8, rows_sampled=8) for month in range(1, 6)]
    assert verdict(profile(6, rows=8, rows_sampled=8, null_share=0.25), few)["drift_severity"] == (
        "none"
    )


def test_a_share_that_always_moved_is_judged_by_its_range() -> None:
    moving = [profile(month, null_share=share) for month, share in enumerate((0.1, 0.5, 0.2), 1)]
    assert verdict(profile(6, null_share=0.52), moving)["drift_severity"] == "none"


def test_codes_that_turn_into_others_warn() -> None:
    codes = [profile(m, common_values=json.dumps({"S": 0.6, "N": 0.4})) for m in range(1, 5)]
    found = verdict(profile(6, common_values=json.dumps({"Y": 0.6, "N": 0.4})), codes)
    assert found["drift_kinds"] == "new_values"
    assert "Y" in found["drift_reason"]


def test_numbers_of_something_are_no_codes_and_a_lively_mix_is_judged_by_itself() -> None:
    campaigns = [profile(m, common_values=json.dumps({f"c{m}": 1.0})) for m in range(1, 6)]
    assert verdict(profile(6, common_values=json.dumps({"c6": 1.0})), campaigns)["drift_kinds"] == (
        ""
    )
    lively = [
        profile(m, common_values=json.dumps({"A": 0.9 - 0.8 * (m % 2), "B": 0.1 + 0.8 * (m % 2)}))
        for m in range(1, 6)
    ]
    steady = [profile(m, common_values=json.dumps({"A": 0.85, "B": 0.15})) for m in range(1, 6)]
    turned = profile(6, common_values=json.dumps({"A": 0.1, "B": 0.9}))
    assert verdict(turned, lively)["drift_kinds"] == ""
    assert verdict(turned, steady)["drift_kinds"] == "distribution"


def test_a_number_that_always_grows_does_not_drift() -> None:
    growing = [
        profile(m, quantiles=json.dumps(quantiles(RNG.uniform(m, m + 1, 1_000))))
        for m in range(1, 6)
    ]
    grown = profile(6, quantiles=json.dumps(quantiles(RNG.uniform(6, 7, 1_000))))
    assert verdict(grown, growing)["drift_severity"] == "none"


def test_columns_of_deliveries_that_were_passed_over_are_not_known() -> None:
    table = {"column_name": TABLE_ROW, "pattern": None}
    passed_over = [profile(m, **table, undeclared_columns=None) for m in range(1, 4)]
    newest = profile(4, **table, undeclared_columns="LATITUDE")
    assert verdict(newest, passed_over)["drift_severity"] == "none"
    assert verdict(profile(5, **table, undeclared_columns="LATITUDE,LEID"), [newest])[
        "drift_kinds"
    ] == ("new_columns")


def test_a_file_cut_short_and_new_columns_warn() -> None:
    table = {"column_name": TABLE_ROW, "pattern": None}
    earlier = [profile(m, **table, rows_per_day=rate) for m, rate in enumerate((90, 100, 110), 1)]
    cut = verdict(profile(6, **table, rows=300, rows_per_day=10.0), earlier)
    assert (cut["drift_severity"], cut["drift_kinds"]) == ("warning", "row_count")
    usual = profile(6, **table, rows=3_000, rows_per_day=100.0, undeclared_columns="TEL_MOVIL")
    new = verdict(usual, earlier)
    assert (new["drift_severity"], new["drift_kinds"]) == ("warning", "new_columns")
    renamed = verdict({**usual, "undeclared_columns": "", "renamed_columns": "C.P."}, earlier)
    assert (renamed["drift_severity"], renamed["drift_kinds"]) == ("notice", "renamed_columns")


def test_a_late_delivery_is_judged_against_those_before_it_only() -> None:
    later = [profile(month, null_share=0.9) for month in range(7, 10)]
    assert verdict(profile(6), [*EARLIER, *later])["drift_severity"] == "none"


def test_a_shifted_distribution_warns_and_a_sample_of_the_same_does_not() -> None:
    earlier = [profile(m, quantiles=json.dumps(quantiles(RNG.gamma(2, 10, 1_000)))) for m in (1, 2)]
    same = profile(6, quantiles=json.dumps(quantiles(RNG.gamma(2, 10, 1_000))))
    wrong_decimal = profile(6, quantiles=json.dumps(quantiles(RNG.gamma(2, 10, 1_000) * 100)))
    assert verdict(same, earlier)["drift_severity"] == "none"
    assert verdict(wrong_decimal, earlier)["drift_kinds"] == "distribution"


@settings(max_examples=60, deadline=None)
@given(scale=st.floats(0.01, 1e6), shift=st.floats(-1e6, 1e6), seed=st.integers(0, 2**32 - 1))
def test_the_index_ignores_the_unit_and_is_zero_for_equals(
    scale: float, shift: float, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    before, now = rng.normal(size=400), rng.normal(0.8, 1, size=400)
    index = population_stability_index(quantiles(now), [quantiles(before)], [400], 400)
    moved = population_stability_index(
        quantiles(now * scale + shift), [quantiles(before * scale + shift)], [400], 400
    )
    assert index == pytest.approx(moved, rel=1e-3, abs=1e-3)
    assert index > 0.1
    assert population_stability_index(quantiles(now), [quantiles(now)], [400], 400) == 0


def test_a_jump_at_one_value_is_counted_whole() -> None:
    """Quantities are mostly 1: a shift of that share must show, equal shares must not."""
    mostly_one, half_one = (
        np.repeat([1, 2, 3], [700, 200, 100]),
        np.repeat([1, 2, 3], [300, 400, 300]),
    )
    same = population_stability_index(
        quantiles(mostly_one), [quantiles(mostly_one)], [1_000], 1_000
    )
    other = population_stability_index(quantiles(half_one), [quantiles(mostly_one)], [1_000], 1_000)
    assert same == 0
    assert other > 0.25


def test_a_column_that_the_query_forgot_is_named() -> None:
    with pytest.raises(ValueError, match="pattern_share"):
        judge_profiles(pd.DataFrame([profile(1)]).drop(columns="pattern_share"), pd.DataFrame())


def test_names_tell_series_and_day() -> None:
    assert series_of("tickets_2024-01.ndjson.gz") == "tickets_9999-99.ndjson.gz"
    assert series_of("tickets_2024-01-31.ndjson.gz") != series_of("tickets_2024-01.ndjson.gz")
    assert day_of("20240229") == date(2024, 2, 29)
    assert day_of("202405") == date(2024, 5, 1)
    assert day_of("20240131_093000") == date(2024, 1, 31)
    assert [day_of(""), day_of(None), day_of("20240231")] == [None, None, None]
    assert days_covered([date(2024, 1, 1), date(2024, 2, 1), date(2024, 2, 2)]) == [31, 31, 1]
    assert days_covered([None]) == [1.0]
