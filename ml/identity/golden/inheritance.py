"""Who inherits an id when groups of records merge and split: a stable matching, free of row order.

Belongs here: the decision about a handful of contested ids. Does not: reading or writing tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Claim:
    """A cluster that holds records which had an id until now.

    Parameters
    ----------
    cluster : int
        Number of the cluster, in the order of its oldest record.
    held_id : str
        The id.
    overlap : int
        Records of the cluster that hold the id now.
    at_home : int
        Records of the cluster whose first id ever it was: who was merged into another keeps less
        claim on the common id than who brought it along.
    has_founder : bool
        Whether the record that the id was made of is in the cluster.
    born_on : date
        First day of the id.
    oldest : int
        Number of the oldest record that holds the id in the cluster.
    """

    cluster: int
    held_id: str
    overlap: int
    at_home: int
    has_founder: bool
    born_on: date
    oldest: int


def settle_claims(claims: Iterable[Claim]) -> dict[int, str]:
    """Return the id of each cluster that inherits one.

    Ids and clusters choose each other (deferred acceptance, ids propose). Of several parts of a
    split, an id prefers the one with most records at home with it, then the largest, then the one
    with the record that it was made of. Of several ids that meet in a merge, a cluster prefers the
    one that most of its records hold, then the older one.
    """
    wishes: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        wishes[claim.held_id].append(claim)
    for held_id in wishes:
        # popped from the end, so the dearest stands last
        wishes[held_id].sort(
            key=lambda claim: (
                -claim.at_home,
                -claim.overlap,
                not claim.has_founder,
                claim.cluster,
            ),
            reverse=True,
        )
    accepted: dict[int, Claim] = {}
    waiting = sorted(wishes, reverse=True)
    while waiting:
        held_id = waiting.pop()
        if not wishes[held_id]:
            continue
        proposal = wishes[held_id].pop()
        rival = accepted.get(proposal.cluster)
        if rival is None or _preference(proposal) < _preference(rival):
            accepted[proposal.cluster] = proposal
            if rival is not None:
                waiting.append(rival.held_id)
        else:
            waiting.append(held_id)
    return {cluster: claim.held_id for cluster, claim in accepted.items()}


def _preference(claim: Claim) -> tuple[int, date, int, str]:
    return -claim.overlap, claim.born_on, claim.oldest, claim.held_id


def give_back(candidates: Iterable[tuple[int, str, int, date]], taken: set[str]) -> dict[int, str]:
    """Return ids that clusters without one had before and nobody holds now.

    ``candidates`` are (cluster, former id, records that had it, last day on which one got it): most
    records first, then the latest, then the older cluster.
    """
    given: dict[int, str] = {}
    used = set(taken)
    for cluster, former_id, _, _ in sorted(
        candidates, key=lambda each: (-each[2], -each[3].toordinal(), each[0], each[1])
    ):
        if cluster not in given and former_id not in used:
            given[cluster] = former_id
            used.add(former_id)
    return given
