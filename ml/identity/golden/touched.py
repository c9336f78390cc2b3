"""Which records a run gives ids to again: those that changed, and whoever's id could depend on theirs.

Belongs here: what the last run saw of each record, and who is reached by a change. Does not: choosing ids
(`stable_ids`), the tables that last (`assignments`).

What is kept between runs are numbers and hashes, made anew whenever they are missing or doubtful: then all
records are looked at. Ids that neither a changed record nor anybody of its persons, households and former
ids has to do with are as they were.
"""

from __future__ import annotations

from datetime import date

import duckdb

from ml.identity.golden.assignments import ASSIGNMENTS, KNOWN_RECORDS, RUN_DATES, TRIES
from ml.identity.golden.records import number_of, rows_of
from ml.identity.relations import has_table

CLUSTERS = "identity.record_clusters"
CUSTOMER_IDS = "identity.customer_ids"
# Named like what the linking keeps: whoever drops that drops this, and the next run looks at everything.
STATES = "identity.linkage_id_states"
RUN = "identity.linkage_id_run"
PENDING = "identity.linkage_golden_pending"
ALL = "*"
# Raise it when a state comes to mean something else.
STATE_VERSION = 1
# Beyond this share of the records it is quicker to look at all.
LARGEST_SHARE = 0.3

# What the steps of one run hand each other.
RECORD_STATES = "golden_record_states"
ORIGINS = "golden_origins"
NOW = "golden_now"
WANTED = "golden_wanted"
WANTED_RECORDS = "golden_wanted_records"
WANTED_CLUSTERS = "golden_wanted_clusters"


def has_versions(connection: duckdb.DuckDBPyConnection, records: str) -> bool:
    """Whether every record tells by a record_hash if any value of it changed."""
    names = {row[0] for row in connection.execute(f"describe from {records}").fetchall()}
    if "record_hash" not in names:
        return False
    ((missing,),) = connection.execute(
        f"select count(*) from {records} where record_hash is null"
    ).fetchall()
    return not missing


def read_record_states(connection: duckdb.DuckDBPyConnection, records: str) -> None:
    """Make the temporary table of record_number and record_state: another one when a record changed."""
    version = "record_hash" if has_versions(connection, records) else "content_hash"
    connection.execute(
        f"""create or replace temp table {RECORD_STATES} as
        select {number_of("record_id")} as record_number,
            hash(source_system, source_customer_id, first_seen_at, {version}) as record_state
        from {records}"""
    )


def is_continued(connection: duckdb.DuckDBPyConnection, as_of: date, systems: str) -> bool:
    """Whether the last run left its states, was of these systems, and of this day or an earlier one."""
    if not all(has_table(connection, name) for name in (STATES, RUN, CUSTOMER_IDS)):
        return False
    ((found,),) = connection.execute(
        f"""select count(*) from {RUN} where as_of_date <= ? and source_systems = ? and state_version = ?
            and not exists (from {RUN_DATES} where as_of_date > ? and source_system in ({systems}))
            and exists (from {RUN_DATES} as dates where dates.as_of_date = {RUN.split(".")[1]}.as_of_date)
            and (select count(*) from {STATES}) = (select count(*) from {CUSTOMER_IDS})
            and (select count(*) from {STATES}) = (select count(*) from {ASSIGNMENTS}
                where to_date is null and source_system in ({systems}))""",
        [as_of, systems, STATE_VERSION, as_of],
    ).fetchall()
    return bool(found)


def read_states(connection: duckdb.DuckDBPyConnection, records: str) -> int:
    """Make ``golden_now``, what there is to know of each record; return the records without a cluster.

    Reads ``golden_record_states``.
    """
    _read_origins(connection, records)
    connection.execute(
        f"""create or replace temp table {NOW} as
        select states.record_number, clusters.person_hash, clusters.household_hash, states.record_state,
            hash(clusters.cluster_state, origins.origin_record_id) as cluster_state
        from {RECORD_STATES} as states
        left join (
            select {number_of("record_id")} as record_number, hash(person_cluster) as person_hash,
                hash(coalesce(household_cluster, person_cluster)) as household_hash,
                hash(person_cluster, household_cluster, link_probability, link_reason) as cluster_state
            from {CLUSTERS}) as clusters using (record_number)
        left join {ORIGINS} as origins using (record_number)"""
    )
    ((lost,),) = connection.execute(
        f"select count(*) from {NOW} where person_hash is null"
    ).fetchall()
    return int(lost)


def _read_origins(connection: duckdb.DuckDBPyConnection, records: str) -> None:
    """Make ``golden_origins``: the records that continue a vanished one, and which.

    Of records that continue the same vanished one, one does; none when it is back.
    """
    connection.execute(
        f"""create or replace temp table {ORIGINS} as
        select * from (
            select record_id, {number_of("record_id")} as record_number,
                case when not bool_or(record_id = origin_record_id) over same_origin
                    and row_number() over (partition by origin_record_id order by record_id) = 1
                    then origin_record_id else record_id end as origin_record_id
            from (select known.record_id, known.origin_record_id from {KNOWN_RECORDS} as known
                where known.origin_record_id in (select origin_record_id from {KNOWN_RECORDS}
                        where record_id <> origin_record_id)
                    and {number_of("known.record_id")} in (select record_number from {RECORD_STATES}))
            window same_origin as (partition by origin_record_id))
        where origin_record_id <> record_id"""
    )


def find_wanted(connection: duckdb.DuckDBPyConnection, as_of: date, records: str) -> bool:
    """Find the records to give ids to; return False when that had better be all.

    Leaves ``golden_wanted`` (record_number; of vanished records too) and copies of their records and
    clusters.
    """
    ((count, records_read),) = connection.execute(
        f"select (select count(*) from {NOW}), (select count(*) from {RECORD_STATES})"
    ).fetchall()
    # two records of one number would have met the clusters of both
    if count != records_read:
        return False
    ((differing,),) = connection.execute(
        f"""create or replace temp table {WANTED} as
        select record_number from {NOW}
        anti join {STATES} using (record_number, record_state, cluster_state)"""
    ).fetchall()
    ((before, changed),) = connection.execute(
        f"""select count(*), count(*) filter (record_number in (from {WANTED})) from {STATES}"""
    ).fetchall()
    if before != count - differing + changed:
        connection.execute(
            f"""insert into {WANTED}
            select record_number from {STATES} anti join {NOW} using (record_number)"""
        )
    connection.execute(
        f"""create or replace temp table golden_history as
        select {number_of("origin_record_id")} as record_number, customer_id, household_id
        from {ASSIGNMENTS} where to_date is not null and from_date < date '{as_of}'
        union
        select {number_of("origin_record_id")}, customer_id, household_id
        from {TRIES} where as_of_date < date '{as_of}'"""
    )
    # who continues a vanished record goes by its name in the history
    connection.execute(
        f"""insert into golden_history
        select origins.record_number, history.customer_id, history.household_id
        from golden_history as history inner join {ORIGINS} as origins
            on {number_of("origins.origin_record_id")} = history.record_number"""
    )
    ((former,),) = connection.execute("select count(*) from golden_history").fetchall()
    while True:
        _add_clusters(connection)
        ((found,),) = connection.execute(f"select count(*) from {WANTED}").fetchall()
        if found > LARGEST_SHARE * count:
            return False
        if not former or not _add_former(connection):
            break
    connection.execute(
        f"""create or replace temp table {WANTED_RECORDS} as
        select record_id, source_system, source_customer_id, first_seen_at
        from {rows_of(records, WANTED)}"""
    )
    connection.execute(
        f"""create or replace temp table {WANTED_CLUSTERS} as
        select * from {CLUSTERS} where {number_of("record_id")} in (from {WANTED})"""
    )
    return True


def _add_clusters(connection: duckdb.DuckDBPyConnection) -> None:
    """Add whoever is, or was in the last run, of a person or a household of somebody wanted."""
    added = 1
    while added:
        ((added,),) = connection.execute(
            f"""insert into {WANTED}
            with either_run as (
                select record_number, person_hash, household_hash from {NOW}
                union all select record_number, person_hash, household_hash from {STATES}),
            theirs as (
                select person_hash, household_hash from either_run where record_number in (from {WANTED}))
            select distinct record_number from either_run
            where record_number not in (from {WANTED})
                and (household_hash in (select household_hash from theirs)
                    or person_hash in (select person_hash from theirs))"""
        ).fetchall()


def _add_former(connection: duckdb.DuckDBPyConnection) -> int:
    """Add whoever holds a former id of somebody wanted, or held one of theirs; return how many."""
    connection.execute(
        f"""create or replace temp table golden_theirs as
        select customer_id, household_id from {CUSTOMER_IDS}
        where {number_of("record_id")} in (from {WANTED})
        union select customer_id, household_id from golden_history
        where record_number in (from {WANTED})"""
    )
    ((added,),) = connection.execute(
        f"""insert into {WANTED}
        with held as (
            select record_number, customer_id, household_id from golden_history
            union all select {number_of("record_id")}, customer_id, household_id from {CUSTOMER_IDS})
        select distinct record_number from held
        where record_number not in (from {WANTED})
            and (customer_id in (select customer_id from golden_theirs)
                or household_id in (select household_id from golden_theirs))"""
    ).fetchall()
    return int(added)


def remember_states(
    connection: duckdb.DuckDBPyConnection, as_of: date, systems: str, is_partial: bool
) -> None:
    """Keep what this run saw, for the next one."""
    columns = "record_number, person_hash, household_hash, record_state, cluster_state"
    if is_partial:
        connection.execute(f"delete from {STATES} where record_number in (from {WANTED})")
        connection.execute(
            f"""insert into {STATES} select {columns} from {NOW}
            where record_number in (from {WANTED})"""
        )
    else:
        connection.execute(f"create or replace table {STATES} as select {columns} from {NOW}")
    connection.execute(
        f"""create or replace table {RUN} as
        select date '{as_of}' as as_of_date, cast(? as varchar) as source_systems,
            {STATE_VERSION} as state_version""",
        [systems],
    )


def forget_states(connection: duckdb.DuckDBPyConnection) -> None:
    """Have the next run look at everything: the ids are now those of an earlier day."""
    connection.execute(f"drop table if exists {STATES}")
    put_all_off(connection)


def put_all_off(connection: duckdb.DuckDBPyConnection) -> None:
    """Note that the values of every customer are to be chosen again."""
    connection.execute(f"create or replace table {PENDING} as select '{ALL}' as customer_id")


def put_off_wanted(connection: duckdb.DuckDBPyConnection) -> None:
    """Note the customers of the wanted records, as they are now, among those to be chosen for again."""
    connection.execute(f"create table if not exists {PENDING} (customer_id varchar)")
    connection.execute(
        f"""insert into {PENDING} select distinct customer_id from {CUSTOMER_IDS}
        where {number_of("record_id")} in (from {WANTED})"""
    )
