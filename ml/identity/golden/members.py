"""The records of a run, in the order in which they were seen, with the clusters that they are in.

Belongs here: which record continues which, and who belongs to a person and a household. Does not: ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from ml.identity.golden.assignments import (
    KNOWN_RECORDS,
    MEMBERS,
    is_newest_day,
    prepare_assignments,
)
from ml.identity.golden.errors import GoldenError

CLUSTERS = "identity.record_clusters"


def quoted_systems(source_systems: Sequence[str]) -> str:
    """Return source systems as the inside of an SQL list."""
    return ", ".join("'" + name.replace("'", "''") + "'" for name in source_systems) or "''"


def is_looking_back(
    connection: duckdb.DuckDBPyConnection, *, as_of: date, source_systems: Sequence[str]
) -> bool:
    """Whether a later day than ``as_of`` is recorded of one of the systems."""
    prepare_assignments(connection)
    return not is_newest_day(connection, as_of, quoted_systems(source_systems))


def recognise(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: date,
    records: str,
    source_systems: Sequence[str],
) -> None:
    """Learn new records; one that has the content of a vanished one of its system continues it.

    A run that looks back learns nothing: a record may be missing because it is not known yet. Doing it
    twice changes nothing.

    Parameters
    ----------
    connection, as_of, records, source_systems
        As of ``assign_ids``.
    """
    prepare_assignments(connection)
    systems = quoted_systems(source_systems)
    if not is_newest_day(connection, as_of, systems):
        return
    connection.execute(
        f"""create or replace temp table golden_news as
        select records.record_id, records.source_system, records.content_hash,
            known.record_id is null as is_new
        from {records} as records
        left join {KNOWN_RECORDS} as known on known.record_id = records.record_id
        where known.record_id is null or known.content_hash is distinct from records.content_hash"""
    )
    ((news, new_records),) = connection.execute(
        "select count(*), count(*) filter (is_new) from golden_news"
    ).fetchall()
    if news > new_records:
        connection.execute(
            f"""update {KNOWN_RECORDS} as known set content_hash = news.content_hash
            from golden_news as news where news.record_id = known.record_id"""
        )
    if not new_records:
        return
    gone = f"""select distinct known.source_system, known.content_hash, known.origin_record_id
        from {KNOWN_RECORDS} as known
        where known.source_system in ({systems}) and known.content_hash is not null
            and not exists (select 1 from {records} as records
                where records.record_id = known.record_id)
            and not exists (select 1 from {KNOWN_RECORDS} as living
                inner join {records} as records using (record_id)
                where living.origin_record_id = known.origin_record_id)"""
    place = """row_number() over (partition by source_system, content_hash order by {key}) as place,
        count(*) over (partition by source_system, content_hash) as places"""
    connection.execute(
        f"""insert into {KNOWN_RECORDS}
        with gone as (
            select *, {place.format(key="origin_record_id")} from ({gone})
        ), come as (
            select *, {place.format(key="record_id")} from golden_news where is_new
        )
        select come.record_id, come.source_system,
            coalesce(gone.origin_record_id, come.record_id), come.content_hash
        from come left join gone
            on gone.source_system = come.source_system and gone.content_hash = come.content_hash
            and gone.place = come.place and gone.places = come.places"""
    )


def collect_members(connection: duckdb.DuckDBPyConnection, records: str) -> None:
    """Make the members of the run: a cluster has the number of the record of it that was seen first.

    Raises
    ------
    GoldenError
        When a record has no cluster.
    """
    connection.execute(
        f"""create or replace temp table golden_seen as
        with origins as (
            -- of records that continue the same vanished one, one does; none when it is back
            select record_id, case when not bool_or(record_id = origin_record_id) over same_origin
                and row_number() over (partition by origin_record_id order by record_id) = 1
                then origin_record_id else record_id end as origin_record_id
            from (select known.record_id, known.origin_record_id from {KNOWN_RECORDS} as known
                inner join {records} as records using (record_id)
                where known.origin_record_id in (select origin_record_id from {KNOWN_RECORDS}
                    where record_id <> origin_record_id))
            window same_origin as (partition by origin_record_id)
        )
        select records.record_id, records.source_system, records.source_customer_id,
            records.first_seen_at,
            coalesce(origins.origin_record_id, records.record_id) as origin_record_id,
            row_number() over (order by records.first_seen_at, records.source_system,
                records.source_customer_id) as seen_number,
            clusters.person_cluster, clusters.link_probability, clusters.link_reason,
            coalesce(clusters.household_cluster, clusters.person_cluster) as household_cluster
        from {records} as records
        left join {CLUSTERS} as clusters on clusters.record_id = records.record_id
        left join origins on origins.record_id = records.record_id"""
    )
    ((lost,),) = connection.execute(
        "select count(*) from golden_seen where person_cluster is null"
    ).fetchall()
    if lost:
        raise GoldenError(
            f"{lost} customer record(s) stand in no cluster of {CLUSTERS}: the linking step has not "
            "seen them. Run it before the ids are given."
        )
    connection.execute(
        f"""create or replace temp table {MEMBERS} as
        with persons as (
            -- a household holds whole persons: the oldest record says which
            select person_cluster, min(seen_number) as customer_number,
                arg_min(household_cluster, seen_number) as household_cluster
            from golden_seen group by person_cluster
        ), households as (
            select household_cluster, min(customer_number) as household_number
            from persons group by household_cluster
        )
        select seen.* exclude (person_cluster, household_cluster), persons.customer_number,
            households.household_number
        from golden_seen as seen
        inner join persons using (person_cluster)
        inner join households on households.household_cluster = persons.household_cluster"""
    )
