"""Persons and households out of scored pairs.

Belongs here: which groups are looked at closely, and reading and writing their tables. Does not: how a
group is divided (`agglomeration`).
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
from numpy.typing import NDArray

from ml.identity.linking.agglomeration import VETO_WEIGHT, agglomerate, components

Numbers = NDArray[np.int64]


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


def group_records(
    numbers: Numbers,
    left: Numbers,
    right: Numbers,
    weights: NDArray[np.float64],
    least_weight: float,
) -> Grouping:
    """Group records by the weights of their pairs.

    Parameters
    ----------
    numbers : array of int
        All record numbers, ascending.
    left, right, weights : arrays
        Pairs of numbers with their log2 odds, those that speak against among them.
    least_weight : float
        From which weight on a pair links.
    """
    a = np.searchsorted(numbers, left)
    b = np.searchsorted(numbers, right)
    links = weights > least_weight
    part = components(len(numbers), a[links].astype(np.int32), b[links].astype(np.int32))
    inside = part[a] == part[b]
    a, b, weights, links = a[inside], b[inside], weights[inside], links[inside]
    sizes = np.bincount(part)
    # where each pair links there is nothing to divide
    link_counts = np.bincount(part[a[links]], minlength=len(sizes))
    is_whole = link_counts == sizes * (sizes - 1) // 2
    members = np.argsort(part, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    groups = members[starts[part]]
    unclear = ~is_whole[part[a]]
    a, b, weights = a[unclear], b[unclear], weights[unclear]
    order = np.lexsort((b, a, part[a]))
    a, b, weights = a[order], b[order], weights[order]
    local = np.empty(len(numbers), dtype=np.int64)
    local[members] = np.arange(len(numbers)) - starts[part[members]]
    cuts = np.searchsorted(part[a], np.arange(len(sizes) + 1))
    divided = 0
    for number in np.flatnonzero(~is_whole):
        nodes = members[starts[number] : starts[number + 1]]
        first, last = cuts[number], cuts[number + 1]
        found = agglomerate(
            len(nodes),
            local[a[first:last]].tolist(),
            local[b[first:last]].tolist(),
            weights[first:last].tolist(),
            least_weight,
        )
        groups[nodes] = nodes[found]
        divided += any(found)
    return Grouping(numbers, groups, divided)


def cluster_persons(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    links: str,
    decisions: str,
    least_weight: float,
    target: str,
) -> int:
    """Write the person of each record and return how many groups had to be divided.

    Parameters
    ----------
    decisions : str
        left_number, right_number, decision ('always_match', 'never_match') of a steward.

    Notes
    -----
    Columns of the target: record_number, person_number (the smallest record_number of the person).
    """
    numbers = _numbers(connection, f"select record_number from {table}")
    left, right, weights = _pairs(
        connection,
        f"""select left_number, right_number,
            case when is_vetoed then {VETO_WEIGHT} else match_weight end as weight
        from {links} as l anti join {decisions} as d using (left_number, right_number)
        union all
        select left_number, right_number,
            case decision when 'always_match' then {-VETO_WEIGHT} else {VETO_WEIGHT} end
        from {decisions}""",
    )
    grouping = group_records(numbers, left, right, weights, least_weight)
    write_groups(connection, grouping, "person_number", target)
    return grouping.divided


def cluster_households(
    connection: duckdb.DuckDBPyConnection, persons: str, pairs: str, target: str
) -> None:
    """Write the household of each person.

    Parameters
    ----------
    persons : str
        record_number, person_number.
    pairs : str
        left_number, right_number, household_weight of pairs of records.

    Notes
    -----
    Columns of the target: record_number (of a person), household_number.
    """
    numbers = _numbers(connection, f"select distinct person_number from {persons}")
    left, right, weights = _pairs(
        connection,
        f"""select least(a.person_number, b.person_number) as left_number,
            greatest(a.person_number, b.person_number) as right_number,
            max(p.household_weight) as weight
        from {pairs} as p
        inner join {persons} as a on p.left_number = a.record_number
        inner join {persons} as b on p.right_number = b.record_number
        where a.person_number <> b.person_number group by 1, 2""",
    )
    grouping = group_records(numbers, left, right, weights, 0.0)
    write_groups(connection, grouping, "household_number", target)


def _numbers(connection: duckdb.DuckDBPyConnection, select: str) -> Numbers:
    found = connection.execute(f"{select} order by 1").fetchnumpy()
    return np.asarray(next(iter(found.values())), dtype=np.int64)


def _pairs(
    connection: duckdb.DuckDBPyConnection, select: str
) -> tuple[Numbers, Numbers, NDArray[np.float64]]:
    left, right, weights = connection.execute(select).fetchnumpy().values()
    return (
        np.asarray(left, dtype=np.int64),
        np.asarray(right, dtype=np.int64),
        np.asarray(weights, dtype=np.float64),
    )


def write_groups(
    connection: duckdb.DuckDBPyConnection, grouping: Grouping, name: str, target: str
) -> None:
    """Write record_number and the smallest number of its group, under the name."""
    connection.register(
        "grouping",
        {"record_number": grouping.numbers, "grouped": grouping.numbers[grouping.groups]},
    )
    connection.execute(
        f"""create or replace temp table {target} as
        select record_number, min(record_number) over (partition by grouped) as {name} from grouping"""
    )
    connection.unregister("grouping")
