"""The table that others read: `identity.record_clusters`.

Belongs here: naming clusters after their records, and the reason of each link. Does not: finding them.
"""

from __future__ import annotations

from ml.identity.linking.evidence import reason_sql
from ml.identity.linking.tables import CLUSTERS, FEATURES, LINKS, PARTS, LinkingRun


def write_clusters(run: LinkingRun, is_incremental: bool) -> tuple[int, int]:
    """Write record_clusters; return how many persons and households there are.

    With is_incremental only the persons and households that a change can have reached are written,
    `linkage_rewritten`.
    """
    connection = run.connection
    wanted = ""
    if is_incremental:
        wanted = "where record_number in (from linkage_rewritten)"
        connection.execute(
            f"""delete from {CLUSTERS} where record_id in (
                select record_id from {FEATURES} {wanted}
                union all select record_id from linkage_gone)"""
        )
    else:
        connection.execute(
            f"""create or replace table {CLUSTERS} as
            select record_id, record_id as person_cluster, record_id as household_cluster,
                cast(null as double) as link_probability, cast(null as varchar) as link_reason
            from {FEATURES} limit 0"""
        )
    connection.execute(
        f"""create or replace temp table linkage_wanted as
        select f.record_id, p.record_number, p.person_number, p.household_number
        from {PARTS} as p inner join {FEATURES} as f using (record_number) {wanted}"""
    )
    connection.execute(
        f"""create or replace temp table linkage_best as
        with inside as (
            select p.left_number, p.right_number, p.match_weight
            from {LINKS} as p
            inner join linkage_wanted as a on p.left_number = a.record_number
            inner join linkage_wanted as b
                on p.right_number = b.record_number and a.person_number = b.person_number),
        sides as (
            select left_number as record_number, match_weight, left_number, right_number from inside
            union all
            select right_number, match_weight, left_number, right_number from inside),
        best as (
            select record_number,
                max_by({{'w': match_weight, 'l': left_number, 'r': right_number}},
                    (match_weight, left_number, right_number)) as pair
            from sides group by record_number),
        reasons as (
            select left_number, right_number, {reason_sql(run.comparisons)} as reason
            from {LINKS} semi join best
                on left_number = best.pair.l and right_number = best.pair.r)
        select best.record_number, best.pair.w as match_weight, reasons.reason
        from best inner join reasons
            on best.pair.l = reasons.left_number and best.pair.r = reasons.right_number"""
    )
    # most groups are of one record, whose id is theirs
    connection.execute(
        f"""insert into {CLUSTERS}
        with persons as (
            select person_number, min(record_id) as record_id from linkage_wanted
            group by person_number having count(*) > 1),
        households as (
            select household_number, min(record_id) as record_id from linkage_wanted
            group by household_number having count(*) > 1)
        select named.record_id,
            coalesce(persons.record_id, named.record_id),
            coalesce(households.record_id, named.record_id),
            case when best.match_weight is null then 1.0
                else 1 / (1 + pow(2, -best.match_weight)) end,
            best.reason
        from linkage_wanted as named
        left join persons using (person_number)
        left join households using (household_number)
        left join linkage_best as best on named.record_number = best.record_number"""
    )
    ((persons, households),) = connection.execute(
        # a group has the number of one of its records
        f"""select count(*) filter (record_number = person_number),
            count(*) filter (record_number = household_number) from {PARTS}"""
    ).fetchall()
    return int(persons), int(households)
