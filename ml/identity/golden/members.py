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
from ml.identity.golden.records import number_of, rows_of
from ml.identity.golden.touched import (
    CLUSTERS,
    ORIGINS,
    RECORD_STATES,
    STATES,
    is_continued,
    read_record_states,
)

__all__ = ["CLUSTERS", "collect_members", "is_looking_back", "quoted_systems", "recognise"]


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
    read_record_states(connection, records)
    unlearnt = records
    if is_continued(connection, as_of, systems):
        # the run that left a record in this state had learnt it
        connection.execute(
            f"""create or replace temp table golden_unlearnt_numbers as
            select record_number from {RECORD_STATES}
            anti join {STATES} using (record_number, record_state)"""
        )
        unlearnt = rows_of(records, "golden_unlearnt_numbers")
    connection.execute(
        f"""create or replace temp table golden_unlearnt as
        select record_id, source_system, content_hash from {unlearnt}"""
    )
    connection.execute(
        f"""create or replace temp table golden_news as
        select records.*, known.record_id is null as is_new
        from golden_unlearnt as records
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
    place = """row_number() over (partition by source_system, content_hash order by {key}) as place,
        count(*) over (partition by source_system, content_hash) as places"""
    connection.execute(
        f"""insert into {KNOWN_RECORDS}
        with alike as (
            select record_id, source_system, content_hash, origin_record_id from {KNOWN_RECORDS}
            where source_system in ({systems}) and content_hash in (
                select content_hash from golden_news where is_new and content_hash is not null)
        ), origins as (
            select known.record_id, known.origin_record_id from {KNOWN_RECORDS} as known
            where known.origin_record_id in (select origin_record_id from alike)
        ), living as (
            -- whose origin goes on, under this key or another
            select record_id, origin_record_id from origins
            where {number_of("record_id")} in (select record_number from {RECORD_STATES})
        ), gone as (
            select *, {place.format(key="origin_record_id")}
            from (select distinct source_system, content_hash, origin_record_id from alike
                where record_id not in (select record_id from living)
                    and origin_record_id not in (select origin_record_id from living))
        ), come as (
            select *, {place.format(key="record_id")} from golden_news where is_new
        )
        select come.record_id, come.source_system,
            coalesce(gone.origin_record_id, come.record_id), come.content_hash
        from come left join gone
            on gone.source_system = come.source_system and gone.content_hash = come.content_hash
            and gone.place = come.place and gone.places = come.places"""
    )


def collect_members(connection: duckdb.DuckDBPyConnection, records: str, clusters: str) -> None:
    """Make the members of the run: a cluster has the number of the record of it that was seen first.

    Reads ``golden_origins``.
    """
    connection.execute(
        f"""create or replace temp table golden_seen as
        select records.record_id, records.source_system, records.source_customer_id,
            records.first_seen_at,
            coalesce(origins.origin_record_id, records.record_id) as origin_record_id,
            row_number() over (order by records.first_seen_at, records.source_system,
                records.source_customer_id) as seen_number,
            clusters.person_cluster, clusters.link_probability, clusters.link_reason,
            coalesce(clusters.household_cluster, clusters.person_cluster) as household_cluster
        from {records} as records
        inner join {clusters} as clusters on clusters.record_id = records.record_id
        left join {ORIGINS} as origins on origins.record_id = records.record_id"""
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
