"""Persons and households out of scored pairs.

Belongs here: which groups are looked at closely, and reading and writing their tables. Does not: how a
group is divided (`agglomeration`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from ml.identity.linking.agglomeration import (
    DECIDED_WEIGHT,
    Evidence,
    Priors,
    agglomerate,
    bounded_parts,
    components,
)
from ml.identity.linking.comparisons import FieldComparison
from ml.identity.linking.scoring import prior_weight
from ml.identity.linking.training import LinkingParameters

Numbers = NDArray[np.int64]
# No person has more records, nor a household more people, than fit; the matrices of a part grow by square.
LARGEST_PART = 200
# Two people of a part that share no more than anybody does are hardly of one household.
UNLIKE_HOUSEHOLD_WEIGHT = -6.0


@dataclass(frozen=True)
class Grouping:
    """Records and their groups.

    Attributes
    ----------
    numbers : array of int
        record_number, ascending.
    groups : array of int
        For each record the index (not the number) of the record that its group is named after.
    divided : int
        Connected components that were divided.
    """

    numbers: Numbers
    groups: Numbers
    divided: int


@dataclass(frozen=True)
class Links:
    """Pairs that may bring two records together.

    Attributes
    ----------
    left, right : array of int
        Record numbers.
    weights : array of float
        Log2 odds.
    """

    left: Numbers
    right: Numbers
    weights: NDArray[np.float64]


def parts_of(
    numbers: Numbers, links: Links, largest: int
) -> tuple[Numbers, NDArray[np.bool_], int]:
    """Return the part of each record, whether it is unclear, and the number of parts that were too large.

    A part is unclear when not every pair in it is a link. Parts of more than `largest` records are first
    divided along their weakest links.
    """
    a = np.searchsorted(numbers, links.left)
    b = np.searchsorted(numbers, links.right)
    part = components(len(numbers), a.astype(np.int32), b.astype(np.int32)).astype(np.int64)
    sizes = np.bincount(part)
    too_large = np.flatnonzero(sizes > largest)
    if len(too_large):
        inside = np.flatnonzero(np.isin(part, too_large))
        position = np.full(len(numbers), -1)
        position[inside] = np.arange(len(inside))
        wanted = position[a] >= 0
        bounded = bounded_parts(
            len(inside), position[a[wanted]], position[b[wanted]], links.weights[wanted], largest
        )
        part[inside] = len(sizes) + bounded
        part = np.unique(part, return_inverse=True)[1].astype(np.int64)
        sizes = np.bincount(part)
    within = part[a] == part[b]
    link_counts = np.bincount(part[a[within]], minlength=len(sizes))
    is_whole = link_counts == sizes * (sizes - 1) // 2
    return part, ~is_whole[part], len(too_large)


def divide_parts(
    numbers: Numbers,
    part: Numbers,
    is_unclear: NDArray[np.bool_],
    evidence: Evidence,
    priors: Priors,
    least_weight: float,
) -> Grouping:
    """Group the records of each part: as one where it is clear, else by the evidence.

    Parameters
    ----------
    numbers : array of int
        All record numbers, ascending.
    part, is_unclear : arrays
        Of each record, `parts_of`.
    evidence : Evidence
        Of the pairs within unclear parts, with record numbers.
    """
    sizes = np.bincount(part)
    members = np.argsort(part, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    groups = members[starts[part]]
    local = np.empty(len(numbers), dtype=np.int64)
    local[members] = np.arange(len(numbers)) - starts[part[members]]
    a = np.searchsorted(numbers, evidence.left)
    b = np.searchsorted(numbers, evidence.right)
    # a part that was too large was cut: links across the cut belong to neither side
    order = np.flatnonzero(part[a] == part[b])
    order = order[np.argsort(part[a[order]], kind="stable")]
    a, b = a[order], b[order]
    cuts = np.searchsorted(part[a], np.arange(len(sizes) + 1))
    divided = 0
    for number in np.unique(part[is_unclear]):
        nodes = members[starts[number] : starts[number + 1]]
        its = slice(cuts[number], cuts[number + 1])
        pairs = order[its]
        found = agglomerate(
            len(nodes),
            Evidence(
                local[a[its]],
                local[b[its]],
                evidence.person[pairs],
                evidence.household[pairs],
                evidence.filled[pairs],
                evidence.decided[pairs],
            ),
            priors,
            least_weight,
        )
        groups[nodes] = nodes[found]
        divided += any(found)
    return Grouping(numbers, groups, divided)


def named_parts(numbers: Numbers, part: Numbers) -> Numbers:
    """Return for each record the smallest record number of its part."""
    # numbers ascend, so that the first of a part is its smallest
    first = np.full(int(part.max()) + 1 if len(part) else 0, -1)
    first[part[::-1]] = np.arange(len(part))[::-1]
    return np.asarray(numbers[first[part]])


def read_links(
    connection: duckdb.DuckDBPyConnection, links: str, decisions: str, least_weight: float
) -> Links:
    """Read the pairs that link two records, as the keys found them or a steward decided.

    Parameters
    ----------
    links : str
        left_number, right_number, match_weight, is_vetoed, key_mask.
    decisions : str
        left_number, right_number, decision ('always_match', 'never_match').
    """
    return _links(
        connection,
        f"""select left_number, right_number, match_weight
        from {links} as l anti join {decisions} as d using (left_number, right_number)
        where key_mask <> 0 and not is_vetoed and match_weight > {least_weight}
        union all
        select left_number, right_number, {DECIDED_WEIGHT} from {decisions}
        where decision = 'always_match'""",
    )


def _links(connection: duckdb.DuckDBPyConnection, select: str) -> Links:
    left, right, weights = connection.execute(select).fetchnumpy().values()
    return Links(
        np.asarray(left, dtype=np.int64),
        np.asarray(right, dtype=np.int64),
        np.asarray(weights, dtype=np.float64),
    )


def read_evidence(
    connection: duckdb.DuckDBPyConnection,
    links: str,
    decisions: str,
    parts: str,
    comparisons: Sequence[FieldComparison],
    parameters: LinkingParameters,
) -> tuple[Evidence, Priors]:
    """Read what the pairs within parts say, field by field.

    Parameters
    ----------
    parts : str
        record_number, part, of the records of unclear parts.

    Notes
    -----
    The last field of the evidence is what the commonness of the values adds; every pair has it.
    """
    levels = ", ".join(f"level_{item.name}" for item in comparisons)
    missing = ", ".join("-1" for _ in comparisons)
    frame = connection.execute(
        f"""with inside as (
            select l.*, coalesce(d.decision, case when is_vetoed then 'never_match' end) as decision
            from {links} as l
            inner join {parts} as a on l.left_number = a.record_number
            inner join {parts} as b on l.right_number = b.record_number and a.part = b.part
            left join {decisions} as d using (left_number, right_number))
        select left_number, right_number, match_weight, household_weight,
            case decision when 'always_match' then {DECIDED_WEIGHT}
                when 'never_match' then {-DECIDED_WEIGHT} else 0 end as decided, {levels}
        from inside
        union all
        select left_number, right_number, null, null,
            case decision when 'always_match' then {DECIDED_WEIGHT} else {-DECIDED_WEIGHT} end, {missing}
        from {decisions} as d anti join {links} as l using (left_number, right_number)
        inner join {parts} as a on d.left_number = a.record_number
        inner join {parts} as b on d.right_number = b.record_number and a.part = b.part
        order by 1, 2"""
    ).fetchnumpy()
    priors = Priors(
        prior_weight(parameters.match_share),
        prior_weight(parameters.household_share),
        np.array([*(item.is_multiple for item in comparisons), False]),
    )
    count = len(frame["left_number"])
    person, household = (
        np.zeros((count, len(comparisons) + 1)),
        np.zeros((count, len(comparisons) + 1)),
    )
    filled = np.ones((count, len(comparisons) + 1), dtype=bool)
    for column, item in enumerate(comparisons):
        level = np.asarray(frame[f"level_{item.name}"], dtype=np.int64)
        m, h, u = (
            np.array(table[item.name]) for table in (parameters.m, parameters.h, parameters.u)
        )
        # the last entry is read by the index -1
        person[:, column] = np.append(np.log2(m / u), 0.0)[level]
        household[:, column] = np.append(np.log2(h / u), 0.0)[level]
        filled[:, column] = level >= 0
    weight = np.ma.filled(np.ma.asarray(frame["match_weight"], dtype=np.float64), 0.0)
    rival = np.ma.filled(np.ma.asarray(frame["household_weight"], dtype=np.float64), 0.0)
    total = weight + np.log2(1 + np.exp2(np.minimum(rival, 500)))
    known = ~np.ma.getmaskarray(np.ma.asarray(frame["match_weight"]))
    person[:, -1] = np.where(known, total - priors.person - person[:, :-1].sum(axis=1), 0)
    household[:, -1] = np.where(known, rival - priors.household - household[:, :-1].sum(axis=1), 0)
    filled[:, -1] = known
    evidence = Evidence(
        np.asarray(frame["left_number"], dtype=np.int64),
        np.asarray(frame["right_number"], dtype=np.int64),
        person,
        household,
        filled,
        np.asarray(frame["decided"], dtype=np.float64),
    )
    return evidence, priors


def read_household_links(connection: duckdb.DuckDBPyConnection, persons: str, pairs: str) -> Links:
    """Read the pairs of persons that look like people of a household.

    Parameters
    ----------
    persons : str
        record_number, person_number.
    pairs : str
        left_number, right_number, household_weight of pairs of records.
    """
    return _links(
        connection,
        f"""select least(a.person_number, b.person_number) as left_number,
            greatest(a.person_number, b.person_number) as right_number,
            max(p.household_weight) as weight
        from {pairs} as p
        inner join {persons} as a on p.left_number = a.record_number
        inner join {persons} as b on p.right_number = b.record_number
        where a.person_number <> b.person_number group by 1, 2 order by 1, 2""",
    )


def divide_households(
    numbers: Numbers, part: Numbers, is_unclear: NDArray[np.bool_], links: Links
) -> Grouping:
    """Group the persons of each part into households.

    Parameters
    ----------
    numbers, part, is_unclear, links
        Of persons; see `divide_parts`.
    """
    links = _with_missing(numbers, part, is_unclear, links, UNLIKE_HOUSEHOLD_WEIGHT)
    count = len(links.left)
    evidence = Evidence(
        links.left,
        links.right,
        links.weights[:, None],
        np.zeros((count, 1)),
        np.ones((count, 1), dtype=bool),
        np.zeros(count),
    )
    priors = Priors(0.0, -500.0, np.array([False]))
    return divide_parts(numbers, part, is_unclear, evidence, priors, 0.0)


def _with_missing(
    numbers: Numbers, part: Numbers, is_unclear: NDArray[np.bool_], links: Links, weight: float
) -> Links:
    """Return the links and, with this weight, the pairs of unclear parts that are no links."""
    members = np.flatnonzero(is_unclear)
    members = members[np.argsort(part[members], kind="stable")]
    cuts = np.flatnonzero(np.diff(part[members])) + 1
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for nodes in np.split(members, cuts) if len(members) else []:
        a, b = np.triu_indices(len(nodes), 1)
        pairs.append(np.column_stack([nodes[a], nodes[b]]))
    every = np.concatenate(pairs)
    size = len(numbers)
    known = np.searchsorted(numbers, links.left) * size + np.searchsorted(numbers, links.right)
    every = every[~np.isin(every[:, 0] * size + every[:, 1], known)]
    return Links(
        np.concatenate([links.left, numbers[every[:, 0]]]),
        np.concatenate([links.right, numbers[every[:, 1]]]),
        np.concatenate([links.weights, np.full(len(every), weight)]),
    )


def read_numbers(connection: duckdb.DuckDBPyConnection, select: str) -> Numbers:
    """Return the one column of a select, ascending."""
    found = connection.execute(f"{select} order by 1").fetchnumpy()
    return np.asarray(next(iter(found.values())), dtype=np.int64)


def smallest_of_groups(grouping: Grouping) -> Numbers:
    """Return for each record the smallest record number of its group."""
    return named_parts(grouping.numbers, grouping.groups)
