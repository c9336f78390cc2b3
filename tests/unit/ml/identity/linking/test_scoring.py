"""The weights are Splink's, whoever computes them."""

from __future__ import annotations

import duckdb
import pytest

from ml.identity.linking import LinkingOptions, RecordFields, resolve
from ml.identity.linking.compare import write_scored_features
from ml.identity.linking.comparisons import choose_comparisons
from ml.identity.linking.features import describe_features
from ml.identity.linking.model import read_model
from ml.identity.linking.scoring import score_pairs
from tests.unit.ml.identity.linking.people import FIELDS, make_people


def test_the_weights_are_those_of_splink() -> None:
    connection = duckdb.connect()
    people = make_people(300, seed=6)
    connection.register("people", people)
    connection.execute("create table records as from people")
    resolve(connection, "records", FIELDS)
    features = describe_features(connection, "records", RecordFields.of(FIELDS))
    comparisons = choose_comparisons(features)
    ((stored,),) = connection.execute("select model from identity.linking_models").fetchall()
    model = read_model(stored, features)
    assert model is not None
    write_scored_features(connection, comparisons, model, "true")
    connection.execute(
        """create temp table some_pairs as
        select a.record_number as left_number, b.record_number as right_number
        from identity.linkage_features as a
        inner join identity.linkage_features as b on a.record_number < b.record_number
        where hash(a.record_number, b.record_number) % 20 = 0
        union select left_number, right_number from identity.linkage_pairs"""
    )
    for is_by_splink, target in ((True, "by_splink"), (False, "by_formula")):
        score_pairs(
            connection,
            "linkage_scored_features",
            comparisons,
            model.parameters,
            "some_pairs",
            target,
            None,
            is_by_splink=is_by_splink,
        )
    ((pairs, farthest, levels),) = connection.execute(
        """select count(*), max(abs(a.match_weight - b.match_weight)),
            count(*) filter (a.level_street <> b.level_street or a.level_phone <> b.level_phone)
        from by_splink as a inner join by_formula as b using (left_number, right_number)"""
    ).fetchall()
    assert pairs == connection.execute("select count(*) from some_pairs").fetchall()[0][0]
    assert farthest == pytest.approx(0, abs=1e-9)
    assert levels == 0


def test_splink_itself_may_score() -> None:
    people = make_people(150, seed=7)
    found = []
    for is_scored_by_splink in (True, False):
        connection = duckdb.connect()
        connection.register("people", people)
        connection.execute("create table records as from people")
        resolve(
            connection,
            "records",
            FIELDS,
            options=LinkingOptions(is_scored_by_splink=is_scored_by_splink),
        )
        found.append(connection.execute("from identity.record_clusters order by 1").fetchall())
    for one, other in zip(*found, strict=True):
        assert one[:3] == other[:3] and one[3] == pytest.approx(other[3])
