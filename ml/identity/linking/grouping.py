"""Persons and households of all records, or of those that a change can have reached.

Belongs here: the steps from scored pairs to `linkage_parts`. Does not: dividing a part (`clustering`).

Connected parts do not depend on each other. After a change it is enough to look at the parts that hold a
record whose pairs changed, and at those that a link ties to them; all others are as they were.
"""

from __future__ import annotations

import duckdb
import numpy as np

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


def cluster_all(run: LinkingRun, trained: LinkingModel) -> int:
    """Write linkage_parts, the person and household of each record; return how many groups were divided."""
    connection = run.connection
    numbers = clustering.read_numbers(connection, f"select record_number from {FEATURES}")
    persons, person_parts, divided = _cluster_persons(
        run, trained, numbers, f"(from {LINKS})", "linkage_decisions"
    )
    _name_persons(connection, numbers, persons)
    households, household_parts = _cluster_households(run, numbers, persons, HOUSEHOLD_PAIRS)
    _put_parts(connection, numbers, persons, person_parts, households, household_parts)
    connection.execute(f"create or replace table {PARTS} as from linkage_new_parts")
    return divided


def cluster_changes(run: LinkingRun, trained: LinkingModel) -> int:
    """Bring linkage_parts up to date; return how many of the groups looked at were divided.

    Leaves `linkage_rewritten`, the record_number of all records that are in persons or households that
    a change can have reached, now or before.
    """
    connection = run.connection
    least_weight = run.options.least_match_weight
    links = f"""select left_number, right_number from {LINKS}
        where key_mask <> 0 and not is_vetoed and match_weight > {least_weight}
        union all select left_number, right_number from linkage_decisions
        where decision = 'always_match'"""
    _reach(
        connection,
        "linkage_near",
        "select record_number from linkage_touched union select record_number from linkage_redecided",
        links,
        ("person_part",),
    )
    inside = "left_number in (from linkage_near)"
    numbers = clustering.read_numbers(
        connection,
        f"select record_number from {FEATURES} where record_number in (from linkage_near)",
    )
    persons, person_parts, divided = _cluster_persons(
        run,
        trained,
        numbers,
        f"(from {LINKS} where {inside})",
        f"(from linkage_decisions where {inside})",
    )
    _put_parts(connection, numbers, persons, person_parts, persons, person_parts)
    connection.execute(
        f"""create or replace temp table linkage_moved as
        select record_number from linkage_touched
        union select record_number from linkage_redecided
        union select now.record_number from linkage_new_parts as now
        left join {PARTS} as before using (record_number)
        where now.person_number is distinct from before.person_number"""
    )
    # a record keeps its household for the moment, so that what was one is looked at as a whole
    connection.execute(
        f"""create or replace temp table linkage_new_parts as
        select now.record_number, now.person_part, now.person_number,
            before.household_part, before.household_number
        from linkage_new_parts as now left join {PARTS} as before using (record_number)"""
    )
    connection.execute(
        f"""create or replace temp table linkage_vanished as
        select * from {PARTS} where record_number in (from linkage_near)
            and record_number not in (select record_number from linkage_new_parts)"""
    )
    _replace_parts(connection, "linkage_near")
    _reach(
        connection,
        "linkage_rewritten",
        "from linkage_moved",
        f"select left_number, right_number from {HOUSEHOLD_PAIRS}",
        ("person_number", "household_part"),
    )
    connection.execute(
        f"""create or replace temp table linkage_persons as
        select record_number, person_number, person_part from {PARTS}
        where record_number in (from linkage_rewritten)"""
    )
    numbers, persons, person_parts = (
        np.asarray(column, dtype=np.int64)
        for column in connection.execute("from linkage_persons order by record_number")
        .fetchnumpy()
        .values()
    )
    households, household_parts = _cluster_households(
        run,
        numbers,
        persons,
        f"(from {HOUSEHOLD_PAIRS} where left_number in (from linkage_rewritten))",
    )
    _put_parts(connection, numbers, persons, person_parts, households, household_parts)
    _replace_parts(connection, "linkage_rewritten")
    return divided


def _reach(
    connection: duckdb.DuckDBPyConnection,
    target: str,
    seeds: str,
    links: str,
    columns: tuple[str, ...],
) -> None:
    """Write the record numbers of seeds, of whom links tie to them, and of whole parts of all these.

    Parameters
    ----------
    links : str
        Select of left_number, right_number.
    columns : tuple of str
        Columns of linkage_parts, and of `linkage_vanished`, that say what belongs together.
    """
    connection.execute(f"create or replace temp table {target} as {seeds}")
    connection.execute(f"create or replace temp table linkage_frontier as from {target}")
    parts = f"from {PARTS}"
    if "household_part" in columns:
        parts += " union all by name from linkage_vanished"
    together = " or ".join(
        f"{name} in (select {name} from parts where record_number in (from linked))"
        for name in columns
    )
    while True:
        ((more,),) = connection.execute(
            f"""create or replace temp table linkage_frontier as
            with links as ({links}), parts as ({parts}),
            linked as (
                from linkage_frontier
                union select right_number from links where left_number in (from linkage_frontier)
                union select left_number from links where right_number in (from linkage_frontier))
            select record_number from (
                from linked union select record_number from parts where {together})
            where record_number not in (from {target})"""
        ).fetchall()
        if not more:
            return
        connection.execute(f"insert into {target} from linkage_frontier")


def _put_parts(
    connection: duckdb.DuckDBPyConnection,
    numbers: clustering.Numbers,
    persons: clustering.Numbers,
    person_parts: clustering.Numbers,
    households: clustering.Numbers,
    household_parts: clustering.Numbers,
) -> None:
    """Write linkage_new_parts."""
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
    connection.execute("create or replace temp table linkage_new_parts as from grouped")
    connection.unregister("grouped")


def _replace_parts(connection: duckdb.DuckDBPyConnection, wanted: str) -> None:
    """Put linkage_new_parts in the place of the parts of the wanted records."""
    connection.execute(f"delete from {PARTS} where record_number in (from {wanted})")
    connection.execute(f"insert into {PARTS} by name from linkage_new_parts")


def _cluster_persons(
    run: LinkingRun,
    trained: LinkingModel,
    numbers: clustering.Numbers,
    links_from: str,
    decisions: str,
) -> tuple[clustering.Numbers, clustering.Numbers, int]:
    """Return the person and the part of each record, and how many groups were divided.

    Parameters
    ----------
    numbers : array of int
        The records, ascending.
    links_from, decisions : str
        Relations with the scored and the decided pairs among them.
    """
    connection = run.connection
    least_weight = run.options.least_match_weight
    links = clustering.read_links(connection, links_from, decisions, least_weight)
    part, is_unclear, _ = clustering.parts_of(numbers, links, clustering.LARGEST_PART)
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
    return (
        clustering.smallest_of_groups(grouping),
        clustering.named_parts(numbers, part),
        grouping.divided,
    )


def _name_persons(
    connection: duckdb.DuckDBPyConnection, numbers: clustering.Numbers, persons: clustering.Numbers
) -> None:
    """Write linkage_persons, the person of each record."""
    connection.register("grouped", {"record_number": numbers, "person_number": persons})
    connection.execute("create or replace temp table linkage_persons as from grouped")
    connection.unregister("grouped")


def _cluster_households(
    run: LinkingRun, numbers: clustering.Numbers, persons: clustering.Numbers, pairs: str
) -> tuple[clustering.Numbers, clustering.Numbers]:
    """Return the household and its part of each record; reads linkage_persons."""
    heads, person_of = np.unique(persons, return_inverse=True)
    links = clustering.read_household_links(run.connection, "linkage_persons", pairs)
    part, is_unclear, _ = clustering.parts_of(heads, links, clustering.LARGEST_PART)
    grouping = clustering.divide_households(heads, part, is_unclear, links)
    return (
        clustering.smallest_of_groups(grouping)[person_of],
        clustering.named_parts(heads, part)[person_of],
    )
