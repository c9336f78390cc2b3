"""The review queue: what a data steward should look at, most doubtful first, with the evidence in words.

Belongs here: which pairs and clusters, and their order. Does not: finding evidence (`linking`).
"""

from __future__ import annotations

import duckdb

REVIEW_QUEUE = "identity.review_queue"
# More than a person reads; the rest waits for the next run.
MAX_PAIRS = 5000


def write_review_queue(connection: duckdb.DuckDBPyConnection, max_pairs: int = MAX_PAIRS) -> int:
    """Write ``identity.review_queue``, one row per pair or cluster to be looked at; return its rows.

    Reads ``identity.doubtful_links``, ``identity.suspicious_clusters`` and ``identity.customer_ids``. A
    pair that the steward has decided is not asked again.
    """
    connection.execute(
        f"""create or replace table {REVIEW_QUEUE} as
        with pairs as (
            select links.record_id_l, links.record_id_r, links.match_probability, links.match_weight,
                links.decision, links.reason
            from identity.doubtful_links as links
            where not exists (
                select 1 from identity.steward_decisions as decided
                where decided.record_id_l = links.record_id_l
                    and decided.record_id_r = links.record_id_r)
            order by abs(links.match_probability - 0.5), record_id_l, record_id_r
            limit {max_pairs}
        ), items as (
            select 'pair' as kind, pairs.record_id_l, pairs.record_id_r,
                left_ids.customer_id as customer_id_l, right_ids.customer_id as customer_id_r,
                cast(2 as bigint) as records, pairs.match_probability, pairs.match_weight,
                pairs.decision as finding, pairs.reason as evidence
            from pairs
            inner join identity.customer_ids as left_ids on left_ids.record_id = pairs.record_id_l
            inner join identity.customer_ids as right_ids on right_ids.record_id = pairs.record_id_r
            union all
            select 'cluster', clusters.person_cluster, null, ids.customer_id, null,
                cast(clusters.records as bigint), null, null, 'suspicious', clusters.reason
            from identity.suspicious_clusters as clusters
            inner join identity.customer_ids as ids on ids.record_id = clusters.person_cluster
        )
        select row_number() over (order by kind, records desc, abs(match_probability - 0.5),
            record_id_l, record_id_r) as place, *
        from items order by place"""
    )
    ((rows,),) = connection.execute(f"select count(*) from {REVIEW_QUEUE}").fetchall()
    return int(rows)
