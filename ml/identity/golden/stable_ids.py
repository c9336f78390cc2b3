"""Ids that last: from clusters of records and what the days before knew to customer and household ids.

Belongs here: which id a cluster gets. Does not: who is in a cluster (`linking`), the tables of periods
(`assignments`) or the ledger (`ledger`).

The ids of a day follow from the days before it, the records and the clusters alone. Running a day
again, in another order or after another try of the same day, gives the same ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import md5

import duckdb

from ml.identity.golden.assignments import (
    ASSIGNED,
    ASSIGNMENTS,
    MEMBERS,
    find_differences,
    history_before,
    is_newest_day,
    state_before,
    write_day,
)
from ml.identity.golden.errors import GoldenError
from ml.identity.golden.inheritance import Claim, give_back, settle_claims
from ml.identity.golden.ledger import append_changes, prepare_ledger
from ml.identity.golden.members import collect_members, quoted_systems, recognise
from ml.identity.golden.records import number_of
from ml.identity.golden.touched import (
    CLUSTERS,
    CUSTOMER_IDS,
    WANTED,
    WANTED_CLUSTERS,
    WANTED_RECORDS,
    find_wanted,
    forget_states,
    has_versions,
    is_continued,
    put_all_off,
    put_off_wanted,
    read_record_states,
    read_states,
    remember_states,
)


@dataclass(frozen=True)
class IdKind:
    """A kind of id: the letter it begins with and where it stands."""

    name: str
    letter: str

    @property
    def column(self) -> str:
        """Column of the id."""
        return f"{self.name}_id"

    @property
    def cluster(self) -> str:
        """Column of the cluster's number in ``golden_members``."""
        return f"{self.name}_number"


CUSTOMER = IdKind("customer", "C")
HOUSEHOLD = IdKind("household", "H")
KINDS = (CUSTOMER, HOUSEHOLD)


@dataclass(frozen=True)
class IdCounts:
    """What a run did to the ids."""

    records: int
    customers: int
    households: int
    records_changed: int
    ledger_rows: int


def minted_id(letter: str, origin_record_id: str, variant: int = 1) -> str:
    """Return the id that is made of a record: letter and 16 hexadecimal digits of its MD5.

    MD5 shortens, it does not protect. A ``variant`` above 1 is for an id that is taken.
    """
    text = origin_record_id if variant == 1 else f"{origin_record_id}#{variant}"
    return letter + md5(text.encode(), usedforsecurity=False).hexdigest()[:16]


def assign_ids(
    connection: duckdb.DuckDBPyConnection,
    *,
    as_of: date,
    records: str,
    source_systems: Sequence[str],
) -> IdCounts:
    """Give every record its customer and household id and write down what changed.

    Reads ``identity.record_clusters`` (record_id, person_cluster, household_cluster,
    link_probability, link_reason). Writes ``identity.customer_ids`` (one row per record), the periods
    of ``identity.id_assignments`` and the ledgers ``identity.customer_id_history`` and
    ``identity.household_id_history``.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Database with the schema ``identity``.
    as_of : date
        Day of the run: only periods of earlier days are inherited from.
    records : str
        Relation with record_id, source_system, source_customer_id, first_seen_at and content_hash
        (NULL where the content identifies nobody).
    source_systems : sequence of str
        Systems of the run: a record that only another system could deliver has not vanished.

    Raises
    ------
    GoldenError
        When a record has no cluster.
    """
    systems = quoted_systems(source_systems)
    prepare_ledger(connection)
    recognise(connection, as_of=as_of, records=records, source_systems=source_systems)
    is_newest = is_newest_day(connection, as_of, systems)
    if not is_newest:
        read_record_states(connection, records)
    if lost := read_states(connection, records):
        raise GoldenError(
            f"{lost} customer record(s) stand in no cluster of {CLUSTERS}: the linking step has not "
            "seen them. Run it before the ids are given."
        )
    is_partial = (
        is_newest
        and is_continued(connection, as_of, systems)
        and find_wanted(connection, as_of, records)
    )
    connection.execute("begin")
    if is_partial:
        collect_members(connection, WANTED_RECORDS, WANTED_CLUSTERS)
        others = (
            f"(select * from {CUSTOMER_IDS} where {number_of('record_id')} not in (from {WANTED}))"
        )
    else:
        collect_members(connection, records, CLUSTERS)
        others = f"(select * from {ASSIGNED} limit 0)"
    _assign(connection, as_of, systems, is_partial)
    ledger_rows = changed = 0
    if is_newest:
        looked_at = f"{number_of('record_id')} in (from {WANTED})" if is_partial else "true"
        find_differences(connection, systems, looked_at)
        ledger_rows = sum(append_changes(connection, kind.name, as_of, others) for kind in KINDS)
        changed = write_day(connection, as_of, systems)
    _write_customer_ids(connection, as_of, is_partial)
    if not is_newest:
        forget_states(connection)
    else:
        remember_states(connection, as_of, systems, is_partial)
        if not is_partial or not has_versions(connection, records):
            put_all_off(connection)
    connection.execute("commit")
    ((count, customers, households),) = connection.execute(
        # of hashes: a million texts are slow
        f"""select count(*), count(distinct hash(customer_id)), count(distinct hash(household_id))
        from {CUSTOMER_IDS}"""
    ).fetchall()
    return IdCounts(count, customers, households, changed, ledger_rows)


def _assign(
    connection: duckdb.DuckDBPyConnection, as_of: date, systems: str, is_partial: bool
) -> None:
    """Make ``golden_assigned``, the ids of the members."""
    connection.execute(
        f"""create or replace temp table golden_before as
        select members.customer_number, members.household_number, members.seen_number,
            before.customer_id, before.household_id
        from {state_before(as_of)} as before
        inner join {MEMBERS} as members on members.origin_record_id = before.origin_record_id"""
    )
    for kind in KINDS:
        _assign_kind(connection, kind, as_of, systems, is_partial)
    connection.execute(
        f"""create or replace temp table {ASSIGNED} as
        select members.record_id, members.source_system, members.source_customer_id,
            members.origin_record_id, customers.id as customer_id, households.id as household_id,
            members.first_seen_at, members.link_probability, members.link_reason
        from {MEMBERS} as members
        inner join golden_customer_ids as customers on customers.cluster = members.customer_number
        inner join golden_household_ids as households on households.cluster = members.household_number"""
    )


def _assign_kind(
    connection: duckdb.DuckDBPyConnection,
    kind: IdKind,
    as_of: date,
    systems: str,
    is_partial: bool,
) -> None:
    """Make the temporary table ``golden_<kind>_ids(cluster, id)``."""
    target = f"golden_{kind.name}_ids"
    connection.execute(f"create or replace temp table {target} (cluster bigint, id varchar)")
    connection.execute(
        f"""create or replace temp table golden_overlaps as
        with pairs as (
            select {kind.cluster} as cluster, {kind.column} as held_id,
                count(*) as overlap, min(seen_number) as oldest
            from golden_before group by all
        )
        select *, count(*) over (partition by cluster) as ids,
            count(*) over (partition by held_id) as clusters from pairs"""
    )
    connection.execute(
        f"insert into {target} select cluster, held_id from golden_overlaps where ids = 1 and clusters = 1"
    )
    _insert(connection, target, settle_claims(_contested(connection, kind, as_of)))
    _insert(connection, target, _give_back(connection, kind, as_of, systems))
    _mint(connection, kind, as_of, is_partial)


def _insert(connection: duckdb.DuckDBPyConnection, target: str, ids: dict[int, str]) -> None:
    if ids:
        connection.execute(
            f"insert into {target} select unnest(?::bigint[]), unnest(?::varchar[])",
            [list(ids), list(ids.values())],
        )


def _contested(connection: duckdb.DuckDBPyConnection, kind: IdKind, as_of: date) -> list[Claim]:
    """Return the claims where a cluster holds several ids or an id is in several clusters."""
    ((contested,),) = connection.execute(
        "select count(*) from golden_overlaps where ids > 1 or clusters > 1"
    ).fetchall()
    if not contested:
        return []
    rows = connection.execute(
        f"""with contested as (
            select cluster, held_id, overlap, oldest from golden_overlaps where ids > 1 or clusters > 1
        ), members as (
            select {kind.cluster} as cluster, origin_record_id from {MEMBERS}
            where {kind.cluster} in (select cluster from contested)
        ), firsts as (
            select members.cluster, origin_record_id,
                arg_min(past.{kind.column},
                    (past.from_date, coalesce(past.try_number, {2**62}))) as first_id
            from members inner join {history_before(as_of)} as past using (origin_record_id)
            group by all
        ), homes as (
            select cluster, first_id as held_id, count(*) as at_home from firsts group by all
        ), births as (
            select {kind.column} as held_id, min(from_date) as born_on from {ASSIGNMENTS}
            where {kind.column} in (select held_id from contested) group by all
        ), founders as (
            select distinct cluster, '{kind.letter}' || substring(md5(origin_record_id), 1, 16) as held_id
            from members
        )
        select contested.cluster, contested.held_id, contested.overlap,
            coalesce(homes.at_home, 0), founders.cluster is not null, births.born_on,
            contested.oldest
        from contested
        inner join births using (held_id)
        left join homes using (cluster, held_id)
        left join founders using (cluster, held_id)"""
    ).fetchall()
    return [Claim(*row) for row in rows]


def _give_back(
    connection: duckdb.DuckDBPyConnection, kind: IdKind, as_of: date, systems: str
) -> dict[int, str]:
    """Return former ids of clusters that have none: an unmerged customer gets the own id back."""
    candidates = connection.execute(
        f"""with members as (
            select {kind.cluster} as cluster, origin_record_id from {MEMBERS}
            where {kind.cluster} not in (select cluster from golden_{kind.name}_ids)
        )
        select members.cluster, past.{kind.column}, count(distinct past.origin_record_id),
            max(past.from_date)
        from {history_before(as_of)} as past inner join members using (origin_record_id)
        where not exists (select 1 from golden_{kind.name}_ids as now where now.id = past.{kind.column})
        group by all"""
    ).fetchall()
    if not candidates:
        return {}
    elsewhere = connection.execute(
        f"select distinct {kind.column} from {state_before(as_of)} where source_system not in ({systems})"
    ).fetchall()
    return give_back(candidates, {row[0] for row in elsewhere})


def _mint(
    connection: duckdb.DuckDBPyConnection, kind: IdKind, as_of: date, is_partial: bool
) -> None:
    """Make an id of the oldest record of every cluster that has none yet."""
    target = f"golden_{kind.name}_ids"
    connection.execute(
        f"""create or replace temp table golden_minted as
        select members.{kind.cluster} as cluster, members.origin_record_id,
            '{kind.letter}' || substring(md5(members.origin_record_id), 1, 16) as id
        from {MEMBERS} as members
        where members.seen_number = members.{kind.cluster}
            and members.{kind.cluster} not in (select cluster from {target})"""
    )
    # an id of earlier days is never given to somebody else, nor one of today twice
    taken = f"""select id from {target}
        union select {kind.column} from {history_before(as_of)}
        where {kind.column} in (select id from golden_minted)"""
    if is_partial:
        taken += f""" union select {kind.column} from {CUSTOMER_IDS}
            where {kind.column} in (select id from golden_minted)
                and {number_of("record_id")} not in (from {WANTED})"""
    collisions = connection.execute(
        f"""select cluster, origin_record_id from golden_minted
        where id in ({taken})
            or cluster not in (select min(cluster) from golden_minted group by id)
        order by cluster"""
    ).fetchall()
    connection.execute(
        f"""insert into {target} select cluster, id from golden_minted
        where not list_contains(?::bigint[], cluster)""",
        [[row[0] for row in collisions]],
    )
    if not collisions:
        return
    used = {
        row[0]
        for row in connection.execute(
            f"select id from {target} union select {kind.column} from {history_before(as_of)}"
        ).fetchall()
    }
    variants: dict[int, str] = {}
    for cluster, origin in collisions:
        variant = 2
        while minted_id(kind.letter, origin, variant) in used:
            variant += 1
        variants[cluster] = minted_id(kind.letter, origin, variant)
        used.add(variants[cluster])
    _insert(connection, target, variants)


def _write_customer_ids(
    connection: duckdb.DuckDBPyConnection, as_of: date, is_partial: bool
) -> None:
    """Write the ids of the run, one row per record."""
    # a record belongs to its first customer since it was first seen, to a later one since that day
    connection.execute(
        f"""create or replace temp table golden_moved as
        with past as (
            select record_id, customer_id, from_date from {ASSIGNMENTS}
            where from_date < date '{as_of}'
                and record_id in (select record_id from {ASSIGNMENTS}
                    where from_date < date '{as_of}' and to_date is not null)
        )
        select assigned.record_id, coalesce(
            min(past.from_date) filter (past.customer_id = assigned.customer_id and past.from_date
                > coalesce(others.last_date, date '0001-01-01')), date '{as_of}') as since,
            any_value(others.last_date) as last_date
        from {ASSIGNED} as assigned
        inner join past using (record_id)
        left join (select past.record_id, max(past.from_date) as last_date from past
            inner join {ASSIGNED} as now using (record_id)
            where past.customer_id <> now.customer_id group by all) as others using (record_id)
        group by assigned.record_id"""
    )
    target = f"create or replace table {CUSTOMER_IDS} as"
    if is_partial:
        put_off_wanted(connection)
        connection.execute(
            f"delete from {CUSTOMER_IDS} where {number_of('record_id')} in (from {WANTED})"
        )
        target = f"insert into {CUSTOMER_IDS} by name"
    connection.execute(
        f"""{target}
        select assigned.record_id, assigned.source_system, assigned.source_customer_id,
            assigned.customer_id, assigned.household_id,
            cast(coalesce(assigned.link_probability, 1.0) as double) as match_probability,
            coalesce(assigned.link_reason, 'same source key') as match_reason,
            case when moved.last_date is null then assigned.first_seen_at
                else cast(moved.since as timestamp) end as valid_from,
            assigned.first_seen_at
        from {ASSIGNED} as assigned
        left join golden_moved as moved on moved.record_id = assigned.record_id"""
    )
    if is_partial:
        put_off_wanted(connection)
