"""Ids over any sequence of clusterings: what must hold whatever meets and parts."""

from __future__ import annotations

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.ml.identity.golden_world import World

NAMES = [f"{system}{number}" for number, system in enumerate("aababbabba")]
# Record number i belongs to the group with this number: a clustering of all records.
clusterings = st.lists(st.integers(0, 4), min_size=len(NAMES), max_size=len(NAMES))


def groups(labels: list[int]) -> list[list[str]]:
    return [
        [name for name, label in zip(NAMES, labels, strict=True) if label == wanted]
        for wanted in sorted(set(labels))
    ]


def same_groups(ids: dict[str, str]) -> set[frozenset[str]]:
    found: dict[str, set[str]] = {}
    for name, customer in ids.items():
        found.setdefault(customer, set()).add(name)
    return {frozenset(names) for names in found.values()}


@settings(max_examples=20, deadline=None)
@given(st.lists(clusterings, min_size=1, max_size=4), st.booleans())
def test_one_id_a_cluster_and_unchanged_clusters_keep_theirs(
    history: list[list[int]], is_reversed: bool
) -> None:
    with duckdb.connect() as connection:
        world = World(connection)
        before: dict[str, str] = {}
        for day, labels in enumerate(history, start=1):
            clusters = groups(labels)
            ids = world.run(clusters, day, is_reversed=is_reversed)
            assert same_groups(ids) == {frozenset(cluster) for cluster in clusters}
            for cluster in same_groups(before) & same_groups(ids):
                assert {ids[name] for name in cluster} == {before[name] for name in cluster}
            # shuffled rows, the same day again and the next day: nothing changes
            assert world.run(clusters, day, is_reversed=not is_reversed) == ids
            assert world.counts.ledger_rows == 0
            before = ids


@settings(max_examples=20, deadline=None)
@given(clusterings, clusterings, st.integers(1, 2), st.integers(2, 3))
def test_merge_and_unmerge_give_everybody_the_id_from_before(
    labels: list[int], meet: list[int], merged_on: int, parted_on: int
) -> None:
    """Groups of a clustering become one where ``meet`` says so, and part again on any day."""
    merged = [meet[label] for label in labels]
    with duckdb.connect() as connection:
        world = World(connection)
        before = world.run(groups(labels), 1)
        households = world.ids("household_id")
        world.run(groups(merged), merged_on)
        assert world.run(groups(labels), parted_on) == before
        assert world.ids("household_id") == households


@settings(max_examples=15, deadline=None)
@given(st.lists(clusterings, min_size=1, max_size=3), clusterings)
def test_a_day_is_the_same_whatever_was_tried_on_it(
    tries: list[list[int]], labels: list[int]
) -> None:
    with duckdb.connect() as connection:
        world = World(connection)
        for tried in tries:
            world.run(groups(tried), 1)
        ids = world.run(groups(labels), 1)
    with duckdb.connect() as connection:
        assert World(connection).run(groups(labels), 1) == ids
