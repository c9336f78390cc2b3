"""Clusters as the steward wants them: customers who are decided to be one, united as they are.

Belongs here: always-matches, on top of what the linking found with the never-matches, and data sets that
deliver keys only. Does not: anything that looks at values (`linking`).

A decision is about two customers whom the steward saw, not about two records: the other records of both
come along, whatever their fields say of each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

import duckdb

from ml.identity.golden.members import CLUSTERS
from ml.identity.golden.steward import ALWAYS, DECISIONS
from ml.identity.relations import has_table

# What the linking found of the records that were united, for it writes only what it changes.
FOUND = "identity.united_records"
Pair = tuple[str, str]


def cluster_by_key(connection: duckdb.DuckDBPyConnection, *, records: str) -> None:
    """Write ``identity.record_clusters`` with a person and a household for each record."""
    connection.execute(
        f"""create or replace table {CLUSTERS} as
        select record_id, record_id as person_cluster, record_id as household_cluster,
            cast(1.0 as double) as link_probability, cast(null as varchar) as link_reason
        from {records}"""
    )


def restore_found(connection: duckdb.DuckDBPyConnection) -> None:
    """Give the united records back the clusters that the linking found, before it looks again."""
    connection.execute(
        f"""create schema if not exists identity;
        create table if not exists {FOUND} (record_id varchar, person_cluster varchar, link_reason varchar)"""
    )
    ((united,),) = connection.execute(f"select count(*) from {FOUND}").fetchall()
    if united and has_table(connection, CLUSTERS):
        connection.execute(
            f"""update {CLUSTERS} as clusters
            set person_cluster = found.person_cluster, link_reason = found.link_reason
            from {FOUND} as found where found.record_id = clusters.record_id"""
        )
    connection.execute(f"delete from {FOUND}")


def unite_decided(connection: duckdb.DuckDBPyConnection) -> int:
    """Unite the clusters of ``identity.record_clusters`` that always-matches tie together.

    Never-matches among them are kept: who must stay apart goes with those that he is tied to, or found
    with. Returns the records that changed their cluster; ``restore_found`` undoes it.
    """
    pairs: dict[str, list[Pair]] = defaultdict(list)
    for kind, one, other in connection.execute(
        f"""select decision, record_id_l, record_id_r from {DECISIONS}
            where record_id_l in (select record_id from {CLUSTERS})
                and record_id_r in (select record_id from {CLUSTERS}) order by all"""
    ).fetchall():
        pairs[kind].append((one, other))
    always = pairs.pop(ALWAYS, [])
    if not always:
        return 0
    named = sorted({record for pair in always for record in pair})
    found = dict(
        connection.execute(
            f"""select record_id, person_cluster from {CLUSTERS} where person_cluster in (
                select person_cluster from {CLUSTERS}
                where record_id in (select unnest(?::varchar[]))) order by all""",
            [named],
        ).fetchall()
    )
    united = unite(found, always, [pair for kept in pairs.values() for pair in kept])
    changed = {record: person for record, person in united.items() if found[record] != person}
    if changed:
        connection.execute(
            f"""insert into {FOUND} select record_id, person_cluster, link_reason from {CLUSTERS}
            where record_id in (select unnest(?::varchar[]))""",
            [list(changed)],
        )
        connection.execute(
            f"""update {CLUSTERS} as clusters set person_cluster = changed.person,
                link_reason = coalesce(clusters.link_reason, 'decided by the steward')
            from (select unnest(?::varchar[]) as record_id, unnest(?::varchar[]) as person) as changed
            where changed.record_id = clusters.record_id""",
            [list(changed), list(changed.values())],
        )
    return len(changed)


def unite(
    found: Mapping[str, str], always: Iterable[Pair], never: Iterable[Pair]
) -> dict[str, str]:
    """Return the cluster of each record, named after its smallest record.

    Parameters
    ----------
    found : mapping of str to str
        Record to the cluster that the linking found.
    always, never : iterables of pairs of records
        Without a never-match between two records that a chain of always-matches ties together.
    """
    apart: dict[str, set[str]] = defaultdict(set)
    for one, other in never:
        apart[one].add(other)
        apart[other].add(one)
    groups = {record: {record} for record in found}

    def join(one: str, other: str) -> None:
        left, right = groups[one], groups[other]
        if left is right or any(apart[record] & right for record in left if record in apart):
            return
        left |= right
        for record in right:
            groups[record] = left

    for one, other in sorted(always):
        join(one, other)
    clusters: dict[str, list[str]] = defaultdict(list)
    for record in sorted(found):
        clusters[found[record]].append(record)
    decided = {record for record, group in groups.items() if len(group) > 1}
    for members in clusters.values():
        # those about whom nothing was decided belong together in any case
        free = [record for record in members if record not in decided]
        for record in free[1:]:
            join(free[0], record)
        for one in members:
            if one in decided:
                for other in members:
                    join(one, other)
    return {record: min(group) for record, group in groups.items()}
