"""Which records of a connected part are one person, given what their pairs say field by field.

Belongs here: dividing one part. Does not: where the evidence comes from (`scoring`), or reading and
writing tables (`clustering`).

Joining whatever is linked (connected components) lets one wrong link join two people. Here two groups are
joined only while they look like one person as wholes, the most alike first (agglomerative clustering, a
greedy form of correlation clustering: Bansal, Blum & Chawla 2004). The evidence between two groups is, for
each field, the mean over the pairs of their records that both have it; for a field of which a person may
have several (telephones, addresses) the best pair, since who shares one of two telephones shares a
telephone. So a record with nothing but an e-mail neither thins out what the others say, nor is turned away
by them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

Vector = NDArray[np.float64]
# A decision of a steward, or a conflict that no evidence overcomes (with a minus).
DECIDED_WEIGHT = 1e6
# Groups whose pairs were never compared are not joined.
NOTHING = -np.inf


def components(
    records: int, left: NDArray[np.int32], right: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return for each record (numbered from 0) the number of its connected component."""
    graph = coo_matrix((np.ones(len(left), dtype=np.int8), (left, right)), shape=(records, records))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int32)


def bounded_parts(
    records: int,
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    weights: Vector,
    largest: int,
) -> NDArray[np.int64]:
    """Return parts of at most so many records, joined by the heaviest links first.

    Parameters
    ----------
    left, right : array of int
        Linked records, numbered from 0.
    """
    part = list(range(records))
    sizes = [1] * records

    def root(record: int) -> int:
        while part[record] != record:
            part[record] = part[part[record]]
            record = part[record]
        return record

    for pair in np.lexsort((right, left, -weights)).tolist():
        a, b = root(int(left[pair])), root(int(right[pair]))
        if a != b and sizes[a] + sizes[b] <= largest:
            a, b = min(a, b), max(a, b)
            part[b] = a
            sizes[a] += sizes[b]
    return np.array([root(record) for record in range(records)], dtype=np.int64)


@dataclass(frozen=True)
class Evidence:
    """What the pairs of a part say, field by field.

    Attributes
    ----------
    left, right : array of int, shape (pairs,)
        Records, numbered from 0; each pair once.
    person, household : array of float, shape (pairs, fields)
        Log2 odds of one person, and of two people of a household, against strangers; 0 where a side is
        missing.
    filled : array of bool, shape (pairs, fields)
        Whether both sides have the field.
    decided : array of float, shape (pairs,)
        +/-`DECIDED_WEIGHT`, or 0.
    """

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    person: Vector
    household: Vector
    filled: NDArray[np.bool_]
    decided: Vector


@dataclass(frozen=True)
class Priors:
    """What holds for all pairs.

    Attributes
    ----------
    person, household : float
        Log2 odds before anything is known.
    is_multiple : array of bool, shape (fields,)
        Fields of which a person may have several.
    """

    person: float
    household: float
    is_multiple: NDArray[np.bool_]


class _Part:
    """Sums over the pairs between each two groups, as square matrices of groups."""

    def __init__(self, size: int, evidence: Evidence, priors: Priors) -> None:
        fields = evidence.person.shape[1]
        self.priors = priors
        shape = (size, size, fields)
        self.person, self.household, self.count = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        multiple = priors.is_multiple
        shape = (size, size, int(multiple.sum()))
        self.best, self.best_household = np.full(shape, -np.inf), np.full(shape, -np.inf)
        self.decided, self.seen = np.zeros((size, size)), np.zeros((size, size), dtype=bool)
        filled = evidence.filled[:, multiple]
        best = np.where(filled, evidence.person[:, multiple], -np.inf)
        best_household = np.where(filled, evidence.household[:, multiple], -np.inf)
        for a, b in ((evidence.left, evidence.right), (evidence.right, evidence.left)):
            self.person[a, b], self.household[a, b] = evidence.person, evidence.household
            self.count[a, b] = evidence.filled
            self.best[a, b], self.best_household[a, b] = best, best_household
            self.decided[a, b], self.seen[a, b] = evidence.decided, True

    def join(self, a: int, b: int) -> None:
        """Add group b to group a."""
        for matrix in (self.person, self.household, self.count, self.decided):
            matrix[a] += matrix[b]
            matrix[:, a] = matrix[a]
        for matrix in (self.best, self.best_household):
            np.maximum(matrix[a], matrix[b], out=matrix[a])
            matrix[:, a] = matrix[a]
        self.seen[a] |= self.seen[b]
        self.seen[:, a] = self.seen[a]

    def weights(self, rows: slice | int) -> Vector:
        """Return the log2 odds that the groups of these rows and each group are one person."""
        count = np.maximum(self.count[rows], 1)
        person, household = self.person[rows] / count, self.household[rows] / count
        multiple = self.priors.is_multiple
        best = self.best[rows]
        # what is shared counts once in full; what differs everywhere, on average
        agrees = best > 0
        person[..., multiple] = np.where(agrees, best, person[..., multiple])
        household[..., multiple] = np.where(
            agrees, self.best_household[rows], household[..., multiple]
        )
        rival = np.minimum(self.priors.household + household.sum(axis=-1), 500)
        total = self.priors.person + person.sum(axis=-1) - np.log2(1 + np.exp2(rival))
        return np.asarray(np.where(self.seen[rows], total + self.decided[rows], NOTHING))


def agglomerate(
    size: int, evidence: Evidence, priors: Priors, least_weight: float = 0.0
) -> list[int]:
    """Return the group of each of the records 0 to size - 1: the smallest record of it.

    Parameters
    ----------
    least_weight : float
        Groups are joined while the log2 odds that they are one person are above this.
    """
    part = _Part(size, evidence, priors)
    weights = part.weights(slice(None))
    np.fill_diagonal(weights, NOTHING)
    group = list(range(size))
    is_group = np.ones(size, dtype=bool)
    while True:
        place = int(weights.argmax())
        a, b = divmod(place, size)
        if not weights[a, b] > least_weight:
            break
        a, b = min(a, b), max(a, b)
        part.join(a, b)
        group[b] = a
        is_group[b] = False
        new = np.where(is_group, part.weights(a), NOTHING)
        new[a] = NOTHING
        weights[a], weights[:, a] = new, new
        weights[b], weights[:, b] = NOTHING, NOTHING
    for record in range(size):
        root = record
        while group[root] != root:
            root = group[root]
        group[record] = root
    return group
