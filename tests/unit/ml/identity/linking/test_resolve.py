"""From records to persons and households, whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.identity.evaluation import evaluate_clusters
from ml.identity.linking import (
    LinkingError,
    LinkingOptions,
    LinkingReport,
    explain_pair,
    link_path,
    resolve,
)
from tests.unit.ml.identity.linking.people import FIELDS, make_people


def connection_with(records: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    put_records(connection, records)
    return connection


def put_records(connection: duckdb.DuckDBPyConnection, records: pd.DataFrame) -> None:
    connection.register("frame", records)
    connection.execute("create or replace table records as from frame")
    connection.unregister("frame")


def run(
    connection: duckdb.DuckDBPyConnection,
    fields: Mapping[str, Any] = FIELDS,
    **options: Any,
) -> LinkingReport:
    return resolve(connection, "records", fields, options=LinkingOptions(**options))


def clusters(connection: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    return connection.execute("from identity.record_clusters order by record_id").df()


def persons(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    return dict(
        connection.execute(
            "select record_id, person_cluster from identity.record_clusters"
        ).fetchall()
    )


def scores(connection: duckdb.DuckDBPyConnection, truth: str, cluster: str) -> tuple[float, float]:
    connection.execute(
        f"""create or replace temp view compared as
        select r.record_id, r.{truth} as truth, c.{cluster} as predicted
        from records as r inner join identity.record_clusters as c using (record_id)"""
    )
    found = evaluate_clusters(connection, "compared")
    return found.pairwise.precision, found.pairwise.recall


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    return make_people(400, seed=5)


@pytest.fixture(scope="module")
def resolved(people: pd.DataFrame) -> duckdb.DuckDBPyConnection:
    connection = connection_with(people)
    run(connection)
    return connection


def test_people_are_found_though_families_share_name_address_and_telephone(resolved) -> None:
    precision, recall = scores(resolved, "person", "person_cluster")
    assert precision > 0.99 and recall > 0.97


def test_households_are_found(resolved) -> None:
    precision, recall = scores(resolved, "household", "household_cluster")
    assert precision > 0.95 and recall > 0.95


def test_every_record_stands_in_one_cluster_named_after_one_of_its_records(
    resolved, people
) -> None:
    found = clusters(resolved)
    assert found["record_id"].tolist() == sorted(people["record_id"])
    smallest = found.groupby("person_cluster")["record_id"].min()
    assert (smallest.index == smallest).all()
    # a person is of one household
    assert (found.groupby("person_cluster")["household_cluster"].nunique() == 1).all()


def test_the_order_of_the_rows_does_not_matter(resolved, people: pd.DataFrame) -> None:
    shuffled = connection_with(people.sample(frac=1, random_state=3))
    run(shuffled)
    pd.testing.assert_frame_equal(clusters(shuffled), clusters(resolved))


def test_a_second_run_scores_nothing_and_changes_nothing(people: pd.DataFrame) -> None:
    connection = connection_with(people)
    first = run(connection)
    before = clusters(connection)
    again = run(connection)
    assert first.is_trained and not again.is_trained
    assert again.scored_pairs == 0 and again.changed_records == 0
    pd.testing.assert_frame_equal(clusters(connection), before)


@pytest.mark.parametrize("seed", range(2))
def test_what_changed_alone_gives_what_resolving_everything_gives(people, seed: int) -> None:
    generator = np.random.default_rng(seed)
    late = generator.random(len(people)) < 0.1
    connection = connection_with(people[~late])
    run(connection)
    model = connection.execute("from identity.linking_models").df()
    now = people[generator.random(len(people)) > 0.03].copy()
    touched = generator.random(len(now)) < 0.03
    now.loc[touched, "phone"] = "699999999"
    now.loc[generator.random(len(now)) < 0.02, "surname"] = None
    put_records(connection, now)
    changed = run(connection)
    assert not changed.is_trained
    whole = connection_with(now)
    whole.execute("create schema identity")
    whole.register("model", model)
    whole.execute("create table identity.linking_models as from model")
    run(whole)
    pd.testing.assert_frame_equal(clusters(connection), clusters(whole))
    # again, back to where it was
    put_records(connection, people)
    run(connection)
    put_records(whole, people)
    run(whole)
    pd.testing.assert_frame_equal(clusters(connection), clusters(whole))


def test_a_base_that_doubled_is_trained_anew(people: pd.DataFrame) -> None:
    connection = connection_with(people[: len(people) // 3])
    run(connection)
    put_records(connection, people)
    assert run(connection).is_trained


def decide(connection: duckdb.DuckDBPyConnection, *rows: tuple[str, str, str]) -> None:
    connection.execute(
        "create or replace table identity.pair_decisions "
        "(record_id_l varchar, record_id_r varchar, decision varchar)"
    )
    if rows:
        connection.executemany("insert into identity.pair_decisions values (?, ?, ?)", rows)


def test_decisions_hold_and_taking_them_back_restores_everything(people: pd.DataFrame) -> None:
    connection = connection_with(people)
    run(connection)
    before = clusters(connection)
    named = persons(connection)
    of_one = next(
        pair for pair in zip(people["record_id"], people["record_id"][1:], strict=False)
        if named[pair[0]] == named[pair[1]]
    )  # fmt: skip
    heads = sorted(set(named.values()))
    strangers = (heads[0], heads[-1])
    decide(connection, (*of_one, "never_match"), (*strangers, "always_match"))
    for is_retraining in (False, False, True):
        run(connection, is_retraining=is_retraining)
        now = persons(connection)
        assert now[of_one[0]] != now[of_one[1]]
        assert now[strangers[0]] == now[strangers[1]]
    decide(connection)
    run(connection)
    pd.testing.assert_frame_equal(clusters(connection), before)


def with_national_ids(people: pd.DataFrame) -> pd.DataFrame:
    """Return the records with a national id each, no two of which are alike."""
    digits = np.random.default_rng(2).integers(10**7, 10**8, len(people))
    return people.assign(national_id=[f"{number}{number * 7 % 10**6}" for number in digits])


def test_a_vetoed_field_keeps_apart_what_all_else_puts_together(people: pd.DataFrame) -> None:
    twins = with_national_ids(people)
    connection = connection_with(twins)
    report = run(connection, {**FIELDS, "national_id": "national_id"}, veto_fields=("national_id",))
    assert report.persons == len(twins)


def test_every_weight_of_an_explanation_is_told(resolved, people: pd.DataFrame) -> None:
    named = persons(resolved)
    left, right = next(
        pair for pair in zip(people["record_id"], people["record_id"][1:], strict=False)
        if named[pair[0]] == named[pair[1]]
    )  # fmt: skip
    said = explain_pair(resolved, "records", FIELDS, left, right)
    total = (
        said.prior_weight
        + sum(item.weight for item in said.evidence)
        + said.commonness_weight
        + said.household_weight
    )
    assert total == pytest.approx(said.match_weight)
    assert said.is_same_person and said.was_compared and said.match_probability > 0.5
    assert {item.field for item in said.evidence} >= {"given_name", "phone", "street"}
    assert link_path(resolved, left, right)[0] == left
    values = people.loc[people["record_id"].isin([left, right]), list(FIELDS.values())]
    words = " ".join(item.finding for item in said.evidence)
    assert not any(str(value) in words for value in values.to_numpy().ravel() if value)


def test_a_pair_that_no_key_found_is_explained_too(resolved, people: pd.DataFrame) -> None:
    said = explain_pair(
        resolved, "records", FIELDS, people["record_id"].iloc[0], people["record_id"].iloc[-1]
    )
    assert not said.is_same_person and said.match_probability < 0.01
    assert link_path(resolved, people["record_id"].iloc[0], people["record_id"].iloc[-1]) == []


def test_an_unknown_record_is_named(resolved) -> None:
    with pytest.raises(LinkingError, match="There is no record nobody"):
        explain_pair(resolved, "records", FIELDS, "nobody", "r00000-0")


# --- bad input -------------------------------------------------------------------------------------


def test_fields_that_nobody_fills() -> None:
    empty = make_people(700, seed=5, household_share=0.0)
    for column in ("phone", "email", "birth_date"):
        empty[column] = None
    connection = connection_with(empty)
    run(connection)
    precision, recall = scores(connection, "person", "person_cluster")
    assert precision > 0.9 and recall > 0.9


def test_records_without_anything(people: pd.DataFrame) -> None:
    nothing = people.copy()
    nothing[list(FIELDS.values())] = None
    connection = connection_with(nothing)
    report = run(connection)
    assert report.persons == len(nothing) == report.records


@pytest.mark.parametrize("count", [0, 1, 2])
def test_hardly_any_records(people: pd.DataFrame, count: int) -> None:
    connection = connection_with(people[:count])
    assert run(connection).records == count


def test_one_telephone_of_ten_thousand_records(people: pd.DataFrame) -> None:
    shop = make_people(7000, seed=8, household_share=0.0)
    shop["phone"] = "911111111"
    connection = connection_with(shop)
    report = run(connection)
    precision, recall = scores(connection, "person", "person_cluster")
    assert precision > 0.99 and recall > 0.95
    assert report.scored_pairs < 100 * len(shop)
    assert clusters(connection).groupby("person_cluster").size().max() <= 4


def test_names_in_other_scripts_and_of_endless_length(people: pd.DataFrame) -> None:
    odd = people[:60].copy()
    odd["given_name"] = ["Иван", "🙂🙂🙂", "李小龍", "a" * 5000, "\x00", "' or 1=1 --"] * 10
    odd["surname"] = ["Петров", "🙃", "李", "b" * 5000, "\u202e", '"'] * 10
    odd["record_id"] = [f"odd-{number}" for number in range(60)]
    connection = connection_with(pd.concat([people, odd]))
    report = run(connection)
    assert report.records == len(people) + 60


def test_a_name_alone_in_one_column_and_nothing_else() -> None:
    frame = make_people(400, seed=4)
    frame["name"] = frame["given_name"].fillna("") + " " + frame["surname"].fillna("")
    connection = connection_with(frame)
    run(connection, {"full_name": "name"})
    assert scores(connection, "person", "person_cluster")[1] > 0.3


@pytest.mark.parametrize("contact", ["email", "phone"])
def test_with_a_contact_and_nothing_else_who_share_it_are_one(contact: str) -> None:
    frame = make_people(300, seed=9, household_share=0.0)
    connection = connection_with(frame)
    run(connection, {contact: contact})
    named = persons(connection)
    known = frame[frame[contact].notna()]
    for _, records in known.groupby(contact)["record_id"]:
        assert len({named[record] for record in records}) == 1
    assert len(set(named.values())) > 250


def test_a_record_id_that_occurs_twice_is_refused(people: pd.DataFrame) -> None:
    connection = connection_with(pd.concat([people, people[:1]]))
    with pytest.raises(LinkingError, match="different record_id"):
        run(connection)
    assert not connection.execute(
        "select 1 from duckdb_tables() where table_name = 'record_clusters'"
    ).fetchall()


@pytest.mark.parametrize(
    "options", [{"least_match_weight": 12.0}, {"veto_fields": ("national_id",)}]
)
def test_other_options_hold_also_for_what_did_not_change(
    people: pd.DataFrame, options: dict[str, Any]
) -> None:
    fields = {**FIELDS, "national_id": "national_id"}
    people = with_national_ids(people)
    connection = connection_with(people)
    run(connection, fields)
    model = connection.execute("from identity.linking_models").df()
    before = clusters(connection)
    assert not run(connection, fields, **options).is_trained
    whole = connection_with(people)
    whole.execute("create schema identity")
    whole.register("model", model)
    whole.execute("create table identity.linking_models as from model")
    run(whole, fields, **options)
    pd.testing.assert_frame_equal(clusters(connection), clusters(whole))
    assert not clusters(connection)["person_cluster"].equals(before["person_cluster"])
