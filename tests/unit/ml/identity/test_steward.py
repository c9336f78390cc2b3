"""What a data steward decides: what holds, what is taken back, and what can't hold together."""

from __future__ import annotations

from datetime import datetime

import pytest

from ml.identity.golden import ContradictoryDecisionsError, expand_unmerges, prepare_decisions


@pytest.fixture
def steward(connection):
    connection.execute(
        "create table records as select unnest(['erp:1', 'erp:2', 'pos:1', 'pos:2', 'web:1']) as record_id"
    )
    connection.execute(
        "create table members as select unnest(['erp:1', 'erp:2', 'pos:1', 'pos:2', 'web:1']) as record_id,"
        " unnest([1, 1, 1, 2, 2]) as cluster"
    )
    connection.execute(
        "create table decisions (decision varchar, record_id_1 varchar, record_id_2 varchar,"
        " decided_at timestamp, source_file varchar, row_number bigint)"
    )

    class Steward:
        def __init__(self) -> None:
            self.rows = 0

        def says(self, kind: str, one: str | None, other: str | None = None, hour: int = 0) -> None:
            self.rows += 1
            connection.execute(
                "insert into decisions values (?, ?, ?, ?, 'd.csv', ?)",
                [kind, one, other, datetime(2024, 1, 1, hour), self.rows],
            )

        def decided(self) -> set[tuple[str, str, str]]:
            self.counts = prepare_decisions(connection, decisions="decisions", records="records")
            return set(
                connection.execute(
                    "select decision, record_id_l, record_id_r from identity.steward_decisions"
                ).fetchall()
            )

        def expand(self) -> int:
            connection.execute("create schema if not exists identity")
            return expand_unmerges(connection, decisions="decisions", members="members")

    return Steward()


def test_no_file_decides_nothing(steward) -> None:
    assert steward.decided() == set()
    assert steward.counts.rows == 0


def test_pairs_are_told_once_whichever_record_comes_first(steward) -> None:
    steward.says("always_match", "pos:1", "erp:1")
    steward.says("always_match", "erp:1", "pos:1")
    steward.says("never_match", "erp:2", "web:1")
    assert steward.decided() == {
        ("always_match", "erp:1", "pos:1"),
        ("never_match", "erp:2", "web:1"),
    }
    assert (steward.counts.always_pairs, steward.counts.never_pairs) == (1, 1)


def test_the_later_decision_about_a_pair_holds_and_a_revocation_leaves_none(steward) -> None:
    steward.says("never_match", "erp:1", "pos:1", hour=2)
    steward.says("always_match", "pos:1", "erp:1", hour=1)
    steward.says("always_match", "erp:2", "pos:2", hour=1)
    steward.says("revoke", "pos:2", "erp:2", hour=3)
    assert steward.decided() == {("never_match", "erp:1", "pos:1")}


def test_an_unmerge_parts_a_record_from_the_rest_of_its_customer_for_good(
    steward, connection
) -> None:
    steward.says("unmerge", "erp:1")
    assert steward.expand() == 1
    expected = {("never_match", "erp:1", "erp:2"), ("never_match", "erp:1", "pos:1")}
    assert steward.decided() == expected
    # the cluster as it was then counts, not as it has become
    connection.execute("update members set cluster = 2 where record_id = 'erp:1'")
    assert steward.expand() == 0
    assert steward.decided() == expected
    steward.says("always_match", "erp:1", "pos:1", hour=1)
    steward.says("revoke", "erp:1", hour=2)
    assert steward.decided() == set()


def test_an_unmerge_of_a_record_alone_means_nobody_who_comes_later(steward, connection) -> None:
    connection.execute("update members set cluster = 3 where record_id = 'erp:1'")
    steward.says("unmerge", "erp:1")
    assert steward.expand() == 1
    connection.execute("update members set cluster = 1 where record_id = 'erp:1'")
    assert steward.expand() == 0
    assert steward.decided() == set()


def test_opposite_decisions_of_the_same_time_are_named_by_their_rows(steward) -> None:
    steward.says("always_match", "erp:1", "pos:1")
    steward.says("never_match", "pos:1", "erp:1")
    with pytest.raises(ContradictoryDecisionsError, match=r"d\.csv row 1 .* d\.csv row 2"):
        steward.decided()


def test_a_chain_that_ties_together_what_must_stay_apart_is_named(steward) -> None:
    steward.says("never_match", "erp:1", "web:1", hour=5)
    steward.says("always_match", "erp:1", "pos:1", hour=1)
    steward.says("always_match", "erp:2", "pos:2", hour=1)
    steward.says("always_match", "pos:2", "web:1", hour=2)
    steward.says("always_match", "pos:1", "pos:2", hour=3)
    with pytest.raises(ContradictoryDecisionsError) as error:
        steward.decided()
    said = str(error.value)
    assert "row 1 (never_match of erp:1 and web:1) keeps apart what is tied together by" in said
    assert [f"row {number}" in said for number in (2, 3, 4, 5)] == [True, False, True, True]
    assert "revoke" in said


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (("alwais", "erp:1", "pos:1"), "row 1: the decision is none of"),
        (("never_match", "erp:1", None), "row 1: never_match wants the system and key of two"),
        (("always_match", "erp:1", "erp:1"), "row 1: both records are the same"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_row(steward, row, words) -> None:
    steward.says(*row)
    with pytest.raises(ContradictoryDecisionsError, match=words):
        steward.decided()


def test_a_decision_about_a_record_that_is_not_there_is_counted(steward) -> None:
    steward.says("never_match", "erp:1", "erp:99")
    steward.decided()
    assert steward.counts.rows_about_unknown_records == 1


def test_a_decision_outlives_the_key_of_its_record(steward, connection) -> None:
    steward.says("unmerge", "erp:1")
    steward.says("always_match", "erp:1", "web:1")
    steward.expand()
    connection.execute(
        "create table identity.known_records as select unnest(['erp:1', 'erp:91', 'pos:1']) as record_id,"
        " unnest(['erp:1', 'erp:1', 'pos:1']) as origin_record_id"
    )
    connection.execute("update records set record_id = 'erp:91' where record_id = 'erp:1'")
    assert steward.decided() == {
        ("always_match", "erp:91", "web:1"),
        ("never_match", "erp:2", "erp:91"),
        ("never_match", "erp:91", "pos:1"),
    }
    assert steward.counts.rows_about_unknown_records == 0
