"""Drift is seen when records agree otherwise, and not when there are more of the same kind."""

from __future__ import annotations

import duckdb
import pandas as pd
import pytest

from ml.identity.linking import LinkingOptions, RecordFields, agreement, resolve
from ml.identity.linking.agreement import difference, measure_drift
from ml.identity.linking.comparisons import choose_comparisons
from ml.identity.linking.features import describe_features
from tests.unit.ml.identity.linking.people import FIELDS, make_people


def test_the_difference_of_shares() -> None:
    assert difference({"0": 10, "1": 10}, {"0": 1, "1": 1}) == 0
    assert difference({"0": 3, "1": 1}, {"0": 1, "2": 1}) == pytest.approx(0.5)
    assert difference({"0": 1}, {"3": 1}) == 1


def drift_after(first: pd.DataFrame, then: pd.DataFrame) -> dict[str, float]:
    connection = duckdb.connect()
    for frame in (first, then):
        connection.register("frame", frame)
        connection.execute("create or replace table records as from frame")
        resolve(connection, "records", FIELDS, options=LinkingOptions(most_growth=9.0))
    comparisons = choose_comparisons(
        describe_features(connection, "records", RecordFields.of(FIELDS))
    )
    return measure_drift(connection, comparisons)


def test_more_people_of_the_same_kind_are_no_drift_and_other_telephones_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(agreement, "LEAST_MATCHES", 50)
    everybody = make_people(600, seed=3)
    first = everybody[: len(everybody) // 2]
    same = drift_after(first, everybody)
    assert set(same) >= {"given_name", "phone", "street"}
    assert max(same.values()) < 0.1
    spoilt = everybody.copy()
    # every other record of the second half has a telephone of its own
    spoilt.loc[spoilt.index[len(first) :: 2], "phone"] = [
        f"6{number:08}" for number in range(len(spoilt.index[len(first) :: 2]))
    ]
    other = drift_after(first, spoilt)
    assert other["phone"] > 0.1 and other["phone"] == max(other.values())


def test_of_few_pairs_nothing_is_said() -> None:
    people = make_people(20, seed=3)
    assert drift_after(people, people) == {}
