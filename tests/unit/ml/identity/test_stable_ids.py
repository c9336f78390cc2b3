"""Ids of customers and households over days on which their records meet and part."""

from __future__ import annotations

from hashlib import md5

import pytest

from ml.identity.golden import GoldenError, assign_ids
from tests.unit.ml.identity.golden_world import World


def id_of(name: str, letter: str = "C", variant: str = "") -> str:
    return letter + md5(f"{name[0]}:{name[1:]}{variant}".encode()).hexdigest()[:16]


@pytest.fixture
def world(connection) -> World:
    return World(connection)


def test_an_id_is_made_of_the_oldest_record(world) -> None:
    ids = world.run([["b2", "a1"], ["a3"]])
    assert ids == {"a1": id_of("a1"), "b2": id_of("a1"), "a3": id_of("a3")}
    assert world.ids("household_id") == {
        "a1": id_of("a1", "H"), "b2": id_of("a1", "H"), "a3": id_of("a3", "H"),
    }  # fmt: skip
    assert sorted(world.ledger()) == sorted(
        [("created", None, id_of("a1"), 2), ("created", None, id_of("a3"), 1)]
    )


def test_a_rerun_adds_nothing(world) -> None:
    first = world.run([["a1", "b2"], ["a3"]])
    ledger, periods = world.ledger(), world.periods()
    assert world.run([["a3"], ["b2", "a1"]], is_reversed=True) == first
    assert world.run([["a1", "b2"], ["a3"]], day=2) == first
    assert (world.ledger(), world.periods()) == (ledger, periods)
    assert world.counts.ledger_rows == world.counts.records_changed == 0


def test_a_record_that_joins_changes_nobody_even_when_it_is_older(world) -> None:
    before = world.run([["a5"], ["a7"]])
    after = world.run([["b1", "a5"], ["a7", "b9"]], day=2)
    assert after == {**before, "b1": before["a5"], "b9": before["a7"]}
    assert len(world.ledger()) == 2


def test_of_two_that_merge_the_larger_names_the_customer_and_of_equals_the_older(world) -> None:
    before = world.run([["a1"], ["a2", "b3"], ["a4"]])
    world.run([["a1"], ["a2", "b3"], ["a4"], ["a0"]], day=2)
    after = world.run([["a1", "a2", "b3"], ["a0", "a4"]], day=3)
    assert set(after.values()) == {before["a2"], before["a4"]}
    assert world.ledger()[-2:] == [
        ("merged", id_of("a0"), before["a4"], 1),
        ("merged", before["a1"], before["a2"], 1),
    ]


def test_of_two_that_part_the_larger_keeps_the_id_and_the_other_gets_one_that_is_free(
    world,
) -> None:
    (before,) = set(world.run([["a1", "a2", "a3"]]).values())
    after = world.run([["a1"], ["a2", "a3"]], day=2)
    # the id of a1 stays with a2 and a3, so a1 needs another
    assert after == {"a1": id_of("a1", variant="#2"), "a2": before, "a3": before}
    assert world.ledger()[-1] == ("split", before, after["a1"], 1)


def test_equal_parts_leave_the_id_with_the_record_that_it_was_made_of(world) -> None:
    before = world.run([["a1", "a2"]])
    after = world.run([["a2"], ["a1"]], day=2)
    assert after == {"a1": before["a1"], "a2": id_of("a2")}


@pytest.mark.parametrize("days", [(1, 1, 1), (1, 2, 3), (1, 1, 2)])
def test_an_unmerge_gives_everybody_the_id_from_before_the_merge(world, days) -> None:
    apart = [["a1"], ["a2", "b3"], ["a4", "b5"], ["a6"]]
    before = world.run(apart, day=days[0])
    world.run([["a1", "a2", "b3"], ["a4", "b5", "a6"]], day=days[1])
    assert world.run(apart, day=days[2]) == before


def test_who_came_while_two_were_one_does_not_outvote_who_brought_the_id(world) -> None:
    before = world.run([["a1", "a2"], ["a3", "a4"]])
    merged = world.run([["a1", "a2", "a3", "a4", "b5"]], day=2)
    assert set(merged.values()) == {before["a1"]}
    after = world.run([["a1", "a2"], ["a3", "a4", "b5"]], day=3)
    assert after == {**before, "b5": before["a3"]}


def test_the_ids_of_a_day_do_not_depend_on_other_tries_of_that_day(world, connection) -> None:
    world.run([["a1"], ["a2"], ["a3"]], day=1)
    world.run([["a1", "a2", "a3"]], day=2)
    world.run([["a1", "a3"], ["a2"]], day=2)
    tried = world.run([["a1", "a2"], ["a3"]], day=2)
    periods = world.periods()
    for table in (
        "id_assignments",
        "known_records",
        "id_run_dates",
        "id_tries",
        "customer_id_history",
    ):
        connection.execute(f"drop table identity.{table}")
    world.run([["a1"], ["a2"], ["a3"]], day=1)
    assert world.run([["a1", "a2"], ["a3"]], day=2) == tried
    assert world.periods() == periods


def test_the_ledger_keeps_every_try_of_a_day(world) -> None:
    world.run([["a1"], ["a2"]])
    world.run([["a1", "a2"]])
    world.run([["a1"], ["a2"]])
    assert [change[0] for change in world.ledger()] == ["created", "created", "merged", "split"]


def test_periods_tell_since_when_and_until_when(world) -> None:
    world.run([["a1"], ["a2"]], day=1)
    world.run([["a1", "a2"]], day=3)
    world.run([["a1"], ["a2"]], day=5)
    world.run([["a1"]], day=7)
    assert world.periods() == [
        ("a1", id_of("a1"), 1, None),
        ("a2", id_of("a2"), 1, 3),
        ("a2", id_of("a1"), 3, 5),
        ("a2", id_of("a2"), 5, 7),
    ]
    assert world.ledger()[-1] == ("vanished", id_of("a2"), None, 1)


def test_a_run_that_looks_back_sees_no_later_day_and_leaves_no_trace(world, connection) -> None:
    world.run([["a1"], ["a2"], ["a3"]], day=1)
    world.run([["a1", "a2"], ["a3"]], day=9)
    recorded = world.periods(), world.ledger()
    # on day 4 nobody knows that a2 was merged into a1
    assert world.run([["a1"], ["a2"]], day=4) == {"a1": id_of("a1"), "a2": id_of("a2")}
    assert set(world.run([["a1"], ["a3", "a2", "b4"]], day=4).values()) == {
        id_of("a1"),
        id_of("a2"),
    }
    assert (world.periods(), world.ledger()) == recorded
    assert world.run([["a1", "a2"], ["a3"]], day=9) == {
        "a1": id_of("a1"), "a2": id_of("a1"), "a3": id_of("a3"),
    }  # fmt: skip
    assert (world.periods(), world.ledger()) == recorded


def test_valid_from_is_since_when_the_record_belongs_to_the_customer(world) -> None:
    world.run([["a1"], ["a2"]], day=1)
    assert world.ids("cast(valid_from as varchar)")["a2"] == "2020-01-03 00:00:00"
    world.run([["a1", "a2"]], day=3)
    world.run([["a1", "a2"], ["a4"]], day=4, households=[["a1", "a2", "a4"]])
    since = world.ids("cast(valid_from as varchar)")
    assert (since["a1"], since["a2"]) == ("2020-01-02 00:00:00", "2024-01-03 00:00:00")
    world.run([["a1"], ["a2"], ["a4"]], day=5)
    assert world.ids("cast(valid_from as varchar)")["a2"] == "2024-01-05 00:00:00"


def test_a_source_that_changes_its_keys_keeps_its_customers(world) -> None:
    world.hashes = {"a1": "ana", "a2": "eva", "a91": "ana", "a92": "eva"}
    before = world.run([["a1", "b3"], ["a2"], ["a4"]])
    rows = len(world.ledger())
    after = world.run([["a91", "b3"], ["a92"], ["a94"]], day=2)
    assert (after["a91"], after["a92"]) == (before["a1"], before["a2"])
    # nothing tells who a4 was, so a94 is new and a4 is gone
    assert after["a94"] == id_of("a94")
    assert [change[0] for change in world.ledger()[rows:]] == ["created", "vanished"]
    # back under the first keys: still the same customers, and again on the same day
    assert world.run([["a1", "b3"], ["a2"], ["a4"]], day=3) == before
    assert world.run([["a91", "b3"], ["a92"], ["a4"]], day=3)["a92"] == before["a2"]


def test_keys_that_change_on_the_first_day_keep_their_customers_too(world) -> None:
    world.hashes = {"a1": "ana", "a91": "ana"}
    before = world.run([["a1"]])
    assert world.run([["a91"]]) == {"a91": before["a1"]}


def test_a_copy_of_a_record_is_no_change_of_its_key(world) -> None:
    world.hashes = {"a1": "ana", "a2": "ana"}
    world.run([["a1"]])
    assert world.run([["a1"], ["a2"]], day=2) == {"a1": id_of("a1"), "a2": id_of("a2")}


def test_records_that_come_back_get_their_customer_back(world) -> None:
    before = world.run([["a1", "b2"], ["a3"]])
    world.run([["a1", "b2"]], day=2)
    assert world.run([["a1", "b2"], ["a3"]], day=3) == before
    assert world.ledger()[-1] == ("restored", None, before["a3"], 1)


def test_a_system_that_a_run_leaves_out_has_not_vanished(world) -> None:
    before = world.run([["a1", "b2"], ["b3"]])
    rows = len(world.ledger())
    assert world.run([["b2"], ["b3"]], day=2, systems=["b"]) == {
        "b2": before["b2"], "b3": before["b3"],
    }  # fmt: skip
    assert world.run([["a1", "b2"], ["b3"]], day=3) == before
    assert len(world.ledger()) == rows


def test_the_steward_is_named_as_the_cause(world) -> None:
    before = world.run([["a1"], ["a2"]])
    world.decide(("always_match", "a1", "a2"))
    world.run([["a1", "a2"]])
    world.decide(("never_match", "a1", "a2"))
    world.run([["a1"], ["a2"]])
    assert world.ledger()[2:] == [
        ("matched_by_steward", before["a2"], before["a1"], 1),
        ("unmerged_by_steward", before["a1"], before["a2"], 1),
    ]


def test_households_hold_whole_customers_and_last(world) -> None:
    world.run([["a1", "b2"], ["a3"], ["a4"]], households=[["a1", "b2", "a3"], ["a4"]])
    before = world.ids("household_id")
    assert before["b2"] == before["a3"] == id_of("a1", "H")
    world.run([["a1", "b2"], ["a3"], ["a4"]], day=2, households=[["a3"], ["a1", "b2", "a4"]])
    after = world.ids("household_id")
    assert after["a1"] == after["b2"] == after["a4"] == before["a1"]
    assert after["a3"] == id_of("a3", "H")
    assert world.ledger("household")[-2:] == [
        ("merged", before["a4"], before["a1"], 1),
        ("split", before["a1"], after["a3"], 1),
    ]


def test_a_record_without_a_cluster_is_an_error_not_a_loss(world, connection) -> None:
    from datetime import date

    world.run([["a1"], ["a2"]])
    connection.execute("delete from identity.record_clusters where record_id = 'a:2'")
    with pytest.raises(GoldenError, match="1 customer record"):
        assign_ids(connection, as_of=date(2024, 1, 2), records="records", source_systems=["a"])
