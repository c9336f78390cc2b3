"""Giving ids to what a change can reach gives what giving ids to everybody gives."""

from __future__ import annotations

import duckdb
import numpy as np
import pytest

from ml.identity.golden import stable_ids, touched
from tests.unit.ml.identity.golden_world import World

Clusters = list[list[str]]


class Pair:
    """Two worlds with the same records and clusters; one forgets what the run before saw."""

    def __init__(self) -> None:
        self.partial, self.whole = (World(duckdb.connect()) for _ in range(2))

    def run(self, clusters: Clusters, day: int, homes: Clusters, systems: str) -> None:
        self.whole.connection.execute(f"drop table if exists {touched.STATES}")
        for world in (self.partial, self.whole):
            world.run(clusters, day, households=homes, systems=systems)

    def tables(self, world: World) -> list[object]:
        """Return all that a run leaves, the ledger without the order of its rows."""
        return [
            world.connection.execute("from identity.customer_ids order by record_id").fetchall(),
            world.periods(),
            sorted(map(str, world.ledger())),
            sorted(map(str, world.ledger("household"))),
            world.connection.execute("from identity.id_tries order by all").fetchall(),
            world.connection.execute("from identity.known_records order by all").fetchall(),
        ]


@pytest.fixture
def partial_runs(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    found: list[bool] = []

    def find_wanted(*arguments: object) -> bool:
        found.append(touched.find_wanted(*arguments))  # type: ignore[arg-type]
        return found[-1]

    monkeypatch.setattr(stable_ids, "find_wanted", find_wanted)
    return found


def changed(clusters: Clusters, generator: np.random.Generator) -> Clusters:
    """Return the clusters with two merged, one parted, one record moved, one gone and one come."""
    now = [list(cluster) for cluster in clusters]
    one, other, third, fourth = generator.choice(len(now), 4, replace=False)
    now[one] += now[other]
    now[other] = [f"{generator.choice(list('ab'))}{generator.integers(1000, 9999)}"]
    if len(now[third]) > 1:
        now.append([now[third].pop()])
    now[fourth].append(now[one].pop())
    now[third].pop()
    return [cluster for cluster in now if cluster]


@pytest.mark.parametrize("days", [(1, 2, 3, 4), (1, 1, 2, 2), (1, 3, 2, 4)])
def test_ids_of_what_changed_are_those_of_a_run_over_everything(days, partial_runs) -> None:
    generator = np.random.default_rng(len(set(days)) + days[2])
    names = [f"{'ab'[number % 2]}{number}" for number in range(300)]
    clusters = [names[start : start + 3] for start in range(0, 300, 3)]
    pair = Pair()
    pair.run(clusters, days[0], clusters, "ab")
    first = clusters
    for day in days[1:]:
        clusters = changed(clusters, generator)
        # some households are of two persons, not always the same
        homes = [
            clusters[at] + clusters[at + 1] if generator.random() < 0.1 else clusters[at]
            for at in range(len(clusters) - 1)
        ] + [clusters[-1]]
        pair.run(clusters, day, homes, "ab")
        assert pair.tables(pair.partial) == pair.tables(pair.whole)
    # back to where it was: former ids are given back
    pair.run(first, max(days) + 1, first, "ab")
    assert pair.tables(pair.partial) == pair.tables(pair.whole)
    assert any(partial_runs)


def test_a_run_of_other_systems_looks_at_everything(partial_runs) -> None:
    clusters = [[f"a{number}", f"b{number}"] for number in range(100)]
    pair = Pair()
    pair.run(clusters, 1, clusters, "ab")
    alone = [[f"a{number}"] for number in range(100)]
    pair.run(alone, 2, alone, "a")
    pair.run(clusters, 3, clusters, "ab")
    assert not partial_runs
    assert pair.tables(pair.partial) == pair.tables(pair.whole)


def test_what_did_not_change_is_not_looked_at(partial_runs) -> None:
    clusters = [[f"a{number}", f"b{number}"] for number in range(100)]
    world = World(duckdb.connect())
    world.run(clusters, 1)
    clusters[7].append("a9999")
    world.run(clusters, 2)
    assert partial_runs == [True]
    assert world.connection.execute("select count(*) from golden_wanted").fetchall() == [(3,)]
    assert world.counts.records == 201 and world.counts.records_changed == 1
