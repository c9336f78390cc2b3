"""What a person should know of how the linking went: doubtful pairs, suspicious clusters, figures.

Belongs here: tables made of the scored pairs. Does not: scoring (`linking`), the queue (`review`).
"""

from __future__ import annotations

import duckdb

from ml.identity.golden.records import number_of
from ml.identity.golden.touched import CLUSTERS
from ml.identity.linking import RecordFields
from ml.identity.linking.agreement import measure_drift
from ml.identity.linking.comparisons import choose_comparisons
from ml.identity.linking.evidence import reason_sql
from ml.identity.linking.features import describe_features
from ml.identity.linking.text import define_macros

PAIRS = "identity.linkage_pairs"
DOUBTFUL = "identity.doubtful_links"
SUSPICIOUS = "identity.suspicious_clusters"
REPORT = "identity.quality_report"
DRIFT = "model_drift"
# Log2 odds within which a pair is near the threshold: probabilities of 11 to 89 %.
NEAR = 3.0
# Evidence that would link two records had others not spoken against it.
STRONG = 5.0
# More records than this are seldom one person.
MANY_RECORDS = 12
MOST_DOUBTFUL = 20_000
BAND = 5

EMPTY_DDL = f"""
create or replace table {DOUBTFUL} (
    record_id_l varchar, record_id_r varchar, match_weight double, match_probability double,
    decision varchar, reason varchar
);
create or replace table {SUSPICIOUS} (person_cluster varchar, records bigint, reason varchar);
create or replace table {REPORT} (metric varchar, dimension varchar, value double);
"""


def write_evidence(
    connection: duckdb.DuckDBPyConnection,
    records: str,
    fields: RecordFields | None,
    *,
    is_linked: bool,
) -> None:
    """Write the doubtful links, the suspicious clusters and the quality report of the last linking.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Database in which ``resolve`` ran, or only ``record_clusters`` was written.
    records : str
        Relation that was linked.
    fields : RecordFields or None
        Roles that were used.
    is_linked : bool
        Whether pairs were scored; without them only the figures of the clusters are written.
    """
    connection.execute(EMPTY_DDL)
    if is_linked and fields is not None:
        define_macros(connection)
        comparisons = choose_comparisons(describe_features(connection, records, fields))
        spoken = [f"level_{item.name} >= 0" for item in comparisons]
        # another telephone is no conflict: a person may have several
        conflicts = [
            f"level_{item.name} = {len(item.levels) - 1}"
            for item in comparisons
            if not item.is_multiple
        ]
        _name_persons(connection, " or ".join(spoken), " or ".join(conflicts) or "false")
        _write_doubtful(connection, reason_sql(comparisons))
        _write_suspicious(connection, reason_sql(comparisons))
        _report_pairs(connection)
        for comparison, moved in measure_drift(connection, comparisons).items():
            connection.execute(
                f"insert into {REPORT} values ('{DRIFT}', ?, ?)", [comparison, moved]
            )
    _report_clusters(connection)


def _name_persons(connection: duckdb.DuckDBPyConnection, has_spoken: str, conflict: str) -> None:
    """Make tables of persons and pairs by number: millions of texts would be slow.

    Pairs that have no field in common say nothing and are left out.
    """
    connection.execute(
        f"""create or replace temp table evidence_persons as
        select {number_of("record_id")} as record_number, record_id, person_cluster,
            hash(person_cluster) as person
        from {CLUSTERS}"""
    )
    connection.execute(
        f"""create or replace temp table evidence_pairs as
        select pairs.left_number, pairs.right_number, pairs.match_weight,
            left_side.person = right_side.person as is_inside, left_side.person,
            {conflict} as is_conflict
        from {PAIRS} as pairs
        inner join evidence_persons as left_side on left_side.record_number = pairs.left_number
        inner join evidence_persons as right_side on right_side.record_number = pairs.right_number
        where {has_spoken}"""
    )


def _write_doubtful(connection: duckdb.DuckDBPyConnection, reason: str) -> None:
    """Write pairs near the threshold, and those kept apart though the two look alike."""
    connection.execute(
        f"""insert into {DOUBTFUL}
        with doubtful as (
            select * from evidence_pairs
            where abs(match_weight) <= {NEAR} or (match_weight >= {STRONG} and not is_inside)
            order by abs(match_weight), left_number, right_number limit {MOST_DOUBTFUL}
        )
        select least(left_side.record_id, right_side.record_id),
            greatest(left_side.record_id, right_side.record_id),
            doubtful.match_weight, 1 / (1 + pow(2, -doubtful.match_weight)),
            case when doubtful.is_inside then 'linked_in_doubt'
                when doubtful.match_weight >= {STRONG} then 'kept_apart' else 'review' end,
            reasons.reason
        from doubtful
        inner join evidence_persons as left_side on left_side.record_number = doubtful.left_number
        inner join evidence_persons as right_side on right_side.record_number = doubtful.right_number
        inner join (select left_number, right_number, {reason} as reason from {PAIRS}
            where (left_number, right_number) in (select (left_number, right_number) from doubtful)
            ) as reasons using (left_number, right_number)"""
    )


def _write_suspicious(connection: duckdb.DuckDBPyConnection, reason: str) -> None:
    """Write clusters that are large or hold records that speak against each other."""
    connection.execute(
        f"""insert into {SUSPICIOUS}
        with conflicts as (
            select person, min_by((left_number, right_number), match_weight) as pair, count(*) as pairs
            from evidence_pairs where is_inside and is_conflict and match_weight <= {-STRONG}
            group by person
        ), sizes as (
            select person, min(person_cluster) as person_cluster, count(*) as records
            from evidence_persons group by person having count(*) > 1
        )
        select sizes.person_cluster, sizes.records, concat_ws('; ',
            case when sizes.records > {MANY_RECORDS} then sizes.records || ' records' end,
            case when conflicts.pairs is not null
                then conflicts.pairs || ' pair(s) speak against it, the most: ' || reasons.reason end)
        from sizes
        left join conflicts using (person)
        left join (select (left_number, right_number) as pair, {reason} as reason from {PAIRS}
            where (left_number, right_number) in (select pair from conflicts)) as reasons
            on reasons.pair = conflicts.pair
        where sizes.records > {MANY_RECORDS} or conflicts.pairs is not null"""
    )


def _report_pairs(connection: duckdb.DuckDBPyConnection) -> None:
    """Report the weights, and what they say of precision and recall if they are right."""
    connection.execute(
        f"""insert into {REPORT}
        with bands as (
            select cast(floor(match_weight / {BAND}) * {BAND} as integer) as band, is_inside,
                1 / (1 + pow(2, -match_weight)) as probability
            from evidence_pairs
        )
        select 'pairs_by_match_weight', band || ' to ' || (band + {BAND}), count(*)
        from bands group by band
        union all
        select 'linked_pairs_by_match_weight', band || ' to ' || (band + {BAND}), count(*)
        from bands where is_inside group by band
        union all
        select 'estimated_precision', 'all', avg(probability) from bands where is_inside
        union all
        select 'estimated_recall', 'all',
            sum(probability) filter (is_inside) / nullif(sum(probability), 0) from bands
        union all
        select 'doubtful_links', decision, count(*) from {DOUBTFUL} group by decision
        union all
        select 'suspicious_clusters', 'all', count(*) from {SUSPICIOUS}"""
    )


def _report_clusters(connection: duckdb.DuckDBPyConnection) -> None:
    """Report sizes, and by source how many records stayed without a link."""
    connection.execute(
        f"""insert into {REPORT}
        with people as (
            -- by number: a million texts are slow
            select hash(person_cluster) as person, count(*) as size from {CLUSTERS} group by 1
        ), sources as (
            select source_system, count(*) as records, count(*) filter (size = 1) as alone
            from (select split_part(record_id, ':', 1) as source_system, hash(person_cluster) as person
                from {CLUSTERS})
            inner join people using (person) group by source_system
        )
        select 'records', 'all', coalesce(sum(size), 0) from people
        union all
        select 'persons', 'all', count(*) from people
        union all
        select 'households', 'all', count(distinct hash(household_cluster)) from {CLUSTERS}
        union all
        select 'persons_by_records', case when size >= 10 then '10 or more' else cast(size as varchar) end,
            count(*) from people group by 2
        union all
        select 'records', source_system, records from sources
        union all
        select 'records_without_a_link', source_system, alone from sources
        union all
        select 'share_without_a_link', source_system, alone / records from sources"""
    )
