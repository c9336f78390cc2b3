"""Which records are one person, given how much each pair speaks for and against it.

Belongs here: grouping by weights. Does not: where the weights come from, or reading and writing tables.

Joining whatever is linked (connected components) lets one wrong link join two people. Here two groups are
joined only while the pairs between them, those that speak against it included, are on average for it:
agglomerative clustering by mean link (Sokal & Michener 1958), the strongest first, which is a greedy form
of correlation clustering (Bansal, Blum & Chawla 2004). A pair counts in the mean by its mass, how much it
could say: two records that have no field in common neither join nor part their groups. A person may have
several telephones, e-mails and addresses: that two of them differ says nothing between groups that share
another.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from operator import add

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

# A pair counts at most so much: one sure link does not outvote several sure conflicts, nor the reverse.
MOST_WEIGHT = 12.0
# What a pair says that was never compared: no key found it, so it is hardly one person.
UNSEEN_WEIGHT = -4.0
LEAST_MASS = 0.05
# A conflict that no evidence overcomes; with the other sign a decision that two records are one person.
VETO_WEIGHT = -1e6


def components(
    records: int, left: NDArray[np.int32], right: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return for each record (numbered from 0) the number of its connected component."""
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(records, records))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int32)


@dataclass(frozen=True)
class PartPairs:
    """The pairs of a connected part, whose records are numbered from 0.

    Attributes
    ----------
    left, right : sequence of int
        Records; each pair once.
    weights : sequence of float
        What the pair says, in log2 odds that it is one person, but for `against`; +/-`VETO_WEIGHT` is a
        decision.
    masses : sequence of float
        How much the pair counts in a mean, 0 to 1, but for `against_masses`.
    against : sequence of tuple of float
        For each field of which a person may have several what it says against, 0 or below.
    against_masses : sequence of tuple of float
        How much that counts.
    agreements : sequence of int
        Bit i: the pair agrees in field i. What other pairs of the same two groups say against it in that
        field is then void: who has two telephones may be called at either.
    """

    left: Sequence[int]
    right: Sequence[int]
    weights: Sequence[float]
    masses: Sequence[float]
    against: Sequence[tuple[float, ...]]
    against_masses: Sequence[tuple[float, ...]]
    agreements: Sequence[int]


class _Between:
    """What the pairs between two groups say together."""

    __slots__ = ("against", "against_masses", "agreement", "mass", "seen", "weight")

    def __init__(
        self,
        weight: float,
        mass: float,
        against: tuple[float, ...],
        against_masses: tuple[float, ...],
        agreement: int,
        seen: int = 1,
    ) -> None:
        self.weight, self.mass, self.seen = weight, mass, seen
        self.against, self.against_masses = against, against_masses
        self.agreement = agreement

    def plus(self, other: _Between) -> _Between:
        return _Between(
            self.weight + other.weight,
            self.mass + other.mass,
            tuple(map(add, self.against, other.against)),
            tuple(map(add, self.against_masses, other.against_masses)),
            self.agreement | other.agreement,
            self.seen + other.seen,
        )

    def mean(self, pairs: int) -> float:
        weight, mass = self.weight, self.mass
        for number, (against, share) in enumerate(
            zip(self.against, self.against_masses, strict=True)
        ):
            if not self.agreement >> number & 1:
                weight += against
                mass += share
        unseen = pairs - self.seen
        return (weight + UNSEEN_WEIGHT * unseen) / max(mass + unseen, LEAST_MASS)


def agglomerate(size: int, pairs: PartPairs, least_mean_weight: float = 0.0) -> list[int]:
    """Return the group of each of the records 0 to size - 1: the smallest record of it.

    Parameters
    ----------
    least_mean_weight : float
        Groups are joined while the mean weight between them is above this.
    """
    neighbours: list[dict[int, _Between]] = [{} for _ in range(size)]
    heap: list[tuple[float, int, int, int]] = []
    for a, b, weight, mass, against, against_masses, agreement in zip(
        pairs.left,
        pairs.right,
        pairs.weights,
        pairs.masses,
        pairs.against,
        pairs.against_masses,
        pairs.agreements,
        strict=True,
    ):
        is_decided = abs(weight) >= -VETO_WEIGHT
        clipped = weight if is_decided else max(-MOST_WEIGHT, min(MOST_WEIGHT, weight))
        between = _Between(clipped, mass, against, against_masses, agreement)
        neighbours[a][b] = neighbours[b][a] = between
        mean = between.mean(1)
        if mean > least_mean_weight:
            heap.append((-mean, min(a, b), max(a, b), 2))
    heapq.heapify(heap)
    members = [1] * size
    group = list(range(size))
    while heap:
        _, a, b, joint = heapq.heappop(heap)
        # an entry of groups that have grown or gone since is stale
        if group[a] != a or group[b] != b or members[a] + members[b] != joint:
            continue
        group[b] = a
        members[a] += members[b]
        of_a, of_b = neighbours[a], neighbours[b]
        del of_a[b], of_b[a]
        for other, between in of_b.items():
            others = neighbours[other]
            del others[b]
            if other in of_a:
                between = of_a[other].plus(between)
            of_a[other] = others[a] = between
        for other, between in of_a.items():
            mean = between.mean(members[a] * members[other])
            if mean > least_mean_weight:
                heapq.heappush(
                    heap, (-mean, min(a, other), max(a, other), members[a] + members[other])
                )
        neighbours[b] = {}
    for record in range(size):
        root = record
        while group[root] != root:
            root = group[root]
        group[record] = root
    return group
