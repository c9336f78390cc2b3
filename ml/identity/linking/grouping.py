"""Persons and households of all records, those that nothing changed in as they were.

Belongs here: the steps from scored pairs to `linkage_parts`. Does not: dividing a part (`clustering`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.identity.linking import clustering
from ml.identity.linking.compare import compare_within
from ml.identity.linking.model import LinkingModel
from ml.identity.linking.tables import (
    DECIDED,
    DECISIONS,
    FEATURES,
    HOUSEHOLD_PAIRS,
    LINKS,
    PARTS,
    LinkingRun,
)
from ml.identity.relations import has_table


def read_decisions(run: LinkingRun) -> None:
    """Read what stewards decided.

    Leaves `linkage_decisions` (left_number, right_number, decision) and `linkage_redecided`, the
    record_number of the records of which the last run knew another decision.
    """
    connection = run.connection
    empty = "(left_number bigint, right_number bigint, decision varchar)"
    connection.execute(f"create or replace temp table linkage_decisions {empty}")
    connection.execute(f"create table if not exists {DECIDED} {empty}")
    if has_table(connection, DECISIONS):
        connection.execute(
            f"""insert into linkage_decisions
            select least(a.record_number, b.record_number), greatest(a.record_number, b.record_number),
                any_value(d.decision)
            from {DECISIONS} as d
            inner join {FEATURES} as a on d.record_id_l = a.record_id
            inner join {FEATURES} as b on d.record_id_r = b.record_id
            where a.record_number <> b.record_number group by 1, 2"""
        )
    connection.execute(
        f"""create or replace temp table linkage_redecided as
        with changed as (
            (from linkage_decisions except from {DECIDED})
            union (from {DECIDED} except from linkage_decisions))
        select left_number as record_number from changed union select right_number from changed"""
    )
    connection.execute(f"create or replace table {DECIDED} as from linkage_decisions")


def cluster(run: LinkingRun, trained: LinkingModel, is_incremental: bool) -> int:
    """Write linkage_parts: the person and household of each record; return how many groups were divided.

    With is_incremental, connected parts that nothing changed in keep their groups.
    """
    connection = run.connection
    numbers = clustering.read_numbers(connection, f"select record_number from {FEATURES}")
    before = _groups_before(run, numbers) if is_incremental else None
    persons, person_parts, divided = _cluster_persons(run, trained, numbers, before)
    households, household_parts = _cluster_households(run, numbers, persons, before)
    connection.register(
        "grouped",
        {
            "record_number": numbers,
            "person_part": person_parts,
            "person_number": persons,
            "household_part": household_parts,
            "household_number": households,
        },
    )
    if before is not None:
        connection.execute(f"create or replace temp table linkage_parts_before as from {PARTS}")
    else:
        connection.execute("drop table if exists linkage_parts_before")
    connection.execute(f"create or replace table {PARTS} as from grouped")
    connection.unregister("grouped")
    return divided


@dataclass(frozen=True)
class _GroupsBefore:
    """The groups of the last run, by record in the order of numbers; -1 for records that it did not have.

    `is_affected` is where a part of the last run held a record that changed or vanished since.
    """

    persons: clustering.Numbers
    households: clustering.Numbers
    is_affected: NDArray[np.bool_]


def _groups_before(run: LinkingRun, numbers: clustering.Numbers) -> _GroupsBefore | None:
    connection = run.connection
    if not has_table(connection, PARTS):
        return None
    found = connection.execute(
        f"""with touched as (
            select record_number from linkage_touched
            union select record_number from linkage_redecided),
        -- whoever shared a person's or a household's part with what changed may be grouped otherwise now
        parts as (
            select p.person_part, p.household_part from {PARTS} as p
            where record_number in (from touched))
        select f.record_number, coalesce(p.person_number, -1) as person_number,
            coalesce(p.household_number, -1) as household_number,
            p.record_number is null or f.record_number in (from touched)
                or p.person_part in (select person_part from parts)
                or p.household_part in (select household_part from parts) as is_affected
        from {FEATURES} as f left join {PARTS} as p on f.record_number = p.record_number
        order by f.record_number"""
    ).fetchnumpy()
    return _GroupsBefore(
        np.asarray(found["person_number"], dtype=np.int64),
        np.asarray(found["household_number"], dtype=np.int64),
        np.asarray(found["is_affected"], dtype=np.bool_),
    )


def _kept(
    part: clustering.Numbers, is_unclear: NDArray[np.bool_], is_affected: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which records are of unclear parts without an affected record."""
    has_affected = np.zeros(int(part.max()) + 1 if len(part) else 0, dtype=bool)
    has_affected[part[is_affected]] = True
    return is_unclear & ~has_affected[part]


def _cluster_persons(
    run: LinkingRun,
    trained: LinkingModel,
    numbers: clustering.Numbers,
    before: _GroupsBefore | None,
) -> tuple[clustering.Numbers, clustering.Numbers, int]:
    """Return the person and the part of each record, and how many groups were divided."""
    connection = run.connection
    least_weight = run.options.least_match_weight
    links = clustering.read_links(connection, LINKS, "linkage_decisions", least_weight)
    part, is_unclear, _ = clustering.parts_of(numbers, links, clustering.LARGEST_PART)
    is_kept = np.zeros(len(numbers), dtype=bool)
    if before is not None:
        is_kept = _kept(part, is_unclear, before.is_affected)
    is_unclear &= ~is_kept
    connection.register(
        "unclear_records", {"record_number": numbers[is_unclear], "part": part[is_unclear]}
    )
    connection.execute("create or replace temp table linkage_unclear as from unclear_records")
    connection.unregister("unclear_records")
    compare_within(run, trained)
    evidence, priors = clustering.read_evidence(
        connection,
        LINKS,
        "linkage_decisions",
        "linkage_unclear",
        run.comparisons,
        trained.parameters,
    )
    grouping = clustering.divide_parts(numbers, part, is_unclear, evidence, priors, least_weight)
    if before is not None:
        grouping = clustering.keep_groups(grouping, is_kept, before.persons)
    return (
        clustering.smallest_of_groups(grouping),
        clustering.named_parts(numbers, part),
        grouping.divided,
    )


def _cluster_households(
    run: LinkingRun,
    numbers: clustering.Numbers,
    persons: clustering.Numbers,
    before: _GroupsBefore | None,
) -> tuple[clustering.Numbers, clustering.Numbers]:
    """Return the household and its part of each record."""
    connection = run.connection
    connection.register("grouped", {"record_number": numbers, "person_number": persons})
    connection.execute("create or replace temp table linkage_persons as from grouped")
    connection.unregister("grouped")
    heads, person_of = np.unique(persons, return_inverse=True)
    links = clustering.read_household_links(connection, "linkage_persons", HOUSEHOLD_PAIRS)
    part, is_unclear, _ = clustering.parts_of(heads, links, clustering.LARGEST_PART)
    is_kept = np.zeros(len(heads), dtype=bool)
    known = np.full(len(heads), -1)
    if before is not None:
        is_affected = np.zeros(len(heads), dtype=bool)
        is_affected[person_of[before.is_affected]] = True
        known[person_of] = before.households
        is_kept = _kept(part, is_unclear, is_affected)
    grouping = clustering.divide_households(heads, part, is_unclear & ~is_kept, links)
    if before is not None:
        grouping = clustering.keep_groups(grouping, is_kept, known)
    return (
        clustering.smallest_of_groups(grouping)[person_of],
        clustering.named_parts(heads, part)[person_of],
    )
