"""Which records are one person, given how much each pair speaks for and against it.

Belongs here: grouping by weights. Does not: where the weights come from, or reading and writing tables.

Joining whatever is linked (connected components) lets one wrong link join two people. Here two groups are
joined only while the pairs between them, those that speak against it included, are on average for it:
agglomerative clustering by mean link (Sokal & Michener 1958), the strongest first, which is a greedy form
of correlation clustering (Bansal, Blum & Chawla 2004).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

# A pair counts at most so much: one sure link does not outvote several sure conflicts, nor the reverse.
MOST_WEIGHT = 12.0
# What a pair says that was never compared: no key found it, so it is hardly one person.
UNSEEN_WEIGHT = -4.0
# A conflict that no evidence overcomes; with the other sign a decision that two records are one person.
VETO_WEIGHT = -1e6


def components(
    records: int, left: NDArray[np.int32], right: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return for each record (numbered from 0) the number of its connected component."""
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(records, records))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int32)


def agglomerate(
    size: int,
    left: Sequence[int],
    right: Sequence[int],
    weights: Sequence[float],
    least_mean_weight: float = 0.0,
) -> list[int]:
    """Return the group of each of the records 0 to size - 1: the smallest record of it.

    Parameters
    ----------
    left, right : sequence of int
        Pairs of records, each pair once.
    weights : sequence of float
        Log2 odds that the pair is one person; `VETO_WEIGHT` for never.
    least_mean_weight : float
        Groups are joined while the mean weight between them is above this.
    """
    neighbours: list[dict[int, float]] = [{} for _ in range(size)]
    heap: list[tuple[float, int, int, int]] = []
    for a, b, weight in zip(left, right, weights, strict=True):
        if a > b:
            a, b = b, a
        is_decided = abs(weight) >= -VETO_WEIGHT
        clipped = weight if is_decided else max(-MOST_WEIGHT, min(MOST_WEIGHT, weight))
        neighbours[a][b] = neighbours[b][a] = clipped
        if clipped > least_mean_weight:
            heap.append((-clipped, a, b, 2))
    heapq.heapify(heap)
    members = [1] * size
    group = list(range(size))
    while heap:
        _, a, b, joint = heapq.heappop(heap)
        # an entry of groups that have grown or gone since is stale
        if group[a] != a or group[b] != b or members[a] + members[b] != joint:
            continue
        count_a, count_b = members[a], members[b]
        group[b] = a
        members[a] += count_b
        of_a, of_b = neighbours[a], neighbours[b]
        del of_a[b], of_b[a]
        for other in of_b:
            del neighbours[other][b]
        for other in of_a.keys() | of_b.keys():
            total = of_a.get(other, UNSEEN_WEIGHT * count_a * members[other]) + of_b.get(
                other, UNSEEN_WEIGHT * count_b * members[other]
            )
            of_a[other] = neighbours[other][a] = total
            mean = total / (members[a] * members[other])
            if mean > least_mean_weight:
                first, second = (a, other) if a < other else (other, a)
                heapq.heappush(heap, (-mean, first, second, members[a] + members[other]))
        neighbours[b] = {}
    for record in range(size):
        root = record
        while group[root] != root:
            root = group[root]
        group[record] = root
    return group
