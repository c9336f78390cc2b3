"""Persons and households out of scored pairs.

Belongs here: which groups are looked at closely, and reading and writing their tables. Does not: how a
group is divided (`agglomeration`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from ml.identity.linking.agglomeration import VETO_WEIGHT, PartPairs, agglomerate, components
from ml.identity.linking.scoring import PairEvidence

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


@dataclass(frozen=True)
class Pairs:
    """Scored pairs.

    Attributes
    ----------
    left, right : array of int
        Record numbers.
    weights : array of float
        Log2 odds of a link.
    masses : array of float
        How much each pair counts, see `agglomeration`.
    links : array of bool
        Whether the pair may bring two records together; the others only keep apart.
    against, against_masses : arrays of float, shape (pairs, fields)
        What fields of which a person may have several say against, and how much that counts.
    agreements : array of int
        Bits of those fields that agree.
    """

    left: Numbers
    right: Numbers
    weights: NDArray[np.float64]
    masses: NDArray[np.float64]
    links: NDArray[np.bool_]
    against: NDArray[np.float64]
    against_masses: NDArray[np.float64]
    agreements: Numbers

    def only(self, wanted: NDArray[Any]) -> Pairs:
        """Return the pairs wanted, by mask or index."""
        return Pairs(*(getattr(self, item.name)[wanted] for item in fields(self)))


def unclear_parts(numbers: Numbers, pairs: Pairs, largest: int) -> tuple[Numbers, Numbers]:
    """Return the records, and their parts, of connected parts in which not every pair is a link.

    Parameters
    ----------
    largest : int
        Larger parts are left out.
    """
    part, is_whole = _parts(numbers, pairs)
    sizes = np.bincount(part)
    wanted = ~is_whole[part] & (sizes[part] <= largest)
    return numbers[wanted], part[wanted].astype(np.int64)


def _parts(numbers: Numbers, pairs: Pairs) -> tuple[Numbers, NDArray[np.bool_]]:
    """Return the connected part of each record, and for each part whether every pair in it is a link."""
    a = np.searchsorted(numbers, pairs.left[pairs.links]).astype(np.int32)
    b = np.searchsorted(numbers, pairs.right[pairs.links]).astype(np.int32)
    part = components(len(numbers), a, b).astype(np.int64)
    sizes = np.bincount(part)
    link_counts = np.bincount(part[a], minlength=len(sizes))
    return part, link_counts == sizes * (sizes - 1) // 2


def group_records(numbers: Numbers, pairs: Pairs, least_weight: float) -> Grouping:
    """Group records by the weights of their pairs.

    Parameters
    ----------
    numbers : array of int
        All record numbers, ascending.
    least_weight : float
        Groups are joined while the mean weight between them is above this.
    """
    part, is_whole = _parts(numbers, pairs)
    sizes = np.bincount(part)
    a, b = np.searchsorted(numbers, pairs.left), np.searchsorted(numbers, pairs.right)
    # where each pair links there is nothing to divide
    wanted = (part[a] == part[b]) & ~is_whole[part[a]]
    a, b, inside = a[wanted], b[wanted], pairs.only(wanted)
    members = np.argsort(part, kind="stable")
    starts = np.concatenate([[0], np.cumsum(sizes)])
    groups = members[starts[part]]
    order = np.lexsort((b, a, part[a]))
    a, b, inside = a[order], b[order], inside.only(order)
    local = np.empty(len(numbers), dtype=np.int64)
    local[members] = np.arange(len(numbers)) - starts[part[members]]
    cuts = np.searchsorted(part[a], np.arange(len(sizes) + 1))
    divided = 0
    for number in np.flatnonzero(~is_whole):
        nodes = members[starts[number] : starts[number + 1]]
        its = slice(cuts[number], cuts[number + 1])
        part_pairs = PartPairs(
            local[a[its]].tolist(),
            local[b[its]].tolist(),
            inside.weights[its].tolist(),
            inside.masses[its].tolist(),
            list(map(tuple, inside.against[its].tolist())),
            list(map(tuple, inside.against_masses[its].tolist())),
            inside.agreements[its].tolist(),
        )
        found = agglomerate(len(nodes), part_pairs, least_weight)
        groups[nodes] = nodes[found]
        divided += any(found)
    return Grouping(numbers, groups, divided)


def read_pairs(
    connection: duckdb.DuckDBPyConnection,
    links: str,
    decisions: str,
    evidence: PairEvidence,
    least_weight: float,
    prior: float,
) -> Pairs:
    """Read the scored pairs of records, those that a steward decided as decided.

    Parameters
    ----------
    links : str
        left_number, right_number, match_weight, levels, is_vetoed, key_mask.
    decisions : str
        left_number, right_number, decision ('always_match', 'never_match').
    prior : float
        Log2 odds of any pair; pairs that could say little are spared it in proportion.
    """
    fields_of = range(len(evidence.against))
    against = "".join(f", {sql} as against_{i}" for i, sql in enumerate(evidence.against))
    # what the other fields leave to be said
    masses = "".join(
        f", least({sql}, 1 - information) as mass_{i}"
        for i, sql in enumerate(evidence.against_information)
    )
    opposed = " + ".join(["0.0", *(f"against_{i}" for i in fields_of)])
    # against and its share of the prior
    shares = "".join(f", against_{i} + {prior!r} * mass_{i}" for i in fields_of)
    return _pairs(
        connection,
        f"""with said as (
            select left_number, right_number, match_weight, is_vetoed, key_mask,
                {evidence.information} as information, {evidence.agreement} as agreement
                {against} {masses}
            from {links} as l anti join {decisions} as d using (left_number, right_number)),
        weighed as (
            select *, match_weight - ({opposed}) as without_against from said)
        select left_number, right_number,
            case when is_vetoed then {VETO_WEIGHT}
                when without_against > {least_weight} then without_against - {prior!r} * (1 - information)
                else least(0, without_against - {prior!r} * (1 - information)) end as weight,
            case when is_vetoed then 1 else information end as mass,
            key_mask <> 0 and not is_vetoed and match_weight > {least_weight} as is_link,
            agreement {shares} {"".join(f", mass_{i}" for i in fields_of)}
        from weighed
        union all
        select left_number, right_number,
            case decision when 'always_match' then {-VETO_WEIGHT} else {VETO_WEIGHT} end,
            1, decision = 'always_match', 0 {", 0" * 2 * len(evidence.against)}
        from {decisions}""",
    )


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
    numbers = read_numbers(connection, f"select distinct person_number from {persons}")
    found = _pairs(
        connection,
        f"""select least(a.person_number, b.person_number) as left_number,
            greatest(a.person_number, b.person_number) as right_number,
            max(p.household_weight) as weight, 1 as mass, true as is_link, 0 as agreement
        from {pairs} as p
        inner join {persons} as a on p.left_number = a.record_number
        inner join {persons} as b on p.right_number = b.record_number
        where a.person_number <> b.person_number group by 1, 2""",
    )
    write_groups(connection, group_records(numbers, found, 0.0), "household_number", target)


def read_numbers(connection: duckdb.DuckDBPyConnection, select: str) -> Numbers:
    """Return the one column of a select, ascending."""
    found = connection.execute(f"{select} order by 1").fetchnumpy()
    return np.asarray(next(iter(found.values())), dtype=np.int64)


def _pairs(connection: duckdb.DuckDBPyConnection, select: str) -> Pairs:
    found = list(connection.execute(select).fetchnumpy().values())
    left, right, weights, masses, links, agreements, *more = found
    more = [np.asarray(column, dtype=np.float64) for column in more]
    half = len(more) // 2
    nothing = np.zeros((len(left), 0))
    return Pairs(
        np.asarray(left, dtype=np.int64),
        np.asarray(right, dtype=np.int64),
        np.asarray(weights, dtype=np.float64),
        np.asarray(masses, dtype=np.float64),
        np.asarray(links, dtype=np.bool_),
        np.column_stack(more[:half]) if half else nothing,
        np.column_stack(more[half:]) if half else nothing,
        np.asarray(agreements, dtype=np.int64),
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
