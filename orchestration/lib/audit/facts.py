"""What the audit reads of the published warehouse: aggregates only, by name.

Belongs here: queries and which tables they need. Does not: words or drawings. No query returns a
person's name, address, e-mail, telephone, id or key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import duckdb

Row = dict[str, Any]
Facts = dict[str, list[Row]]


@dataclass(frozen=True)
class Query:
    """A query and the tables without which it is left out."""

    needs: tuple[str, ...]
    sql: str


# Values that tie records of a customer together; each is reduced to counts.
_LINKING_KEYS: Final = """
    select source_system, 'national_id' as key_kind, national_id as key_value
    from identity.customer_records where is_national_id_valid
    union all
    select source_system, 'loyalty_card', loyalty_card from identity.customer_records
    union all
    select source_system, 'email', email_key from identity.customer_records
    union all
    select source_system, 'phone', coalesce(mobile_phone, phone) from identity.customer_records
"""
_HOLDER_KEYS: Final = """
    select customer_id, 'national_id' as key_kind, national_id as key_value from marts.dim_customers
    union all
    select customer_id, 'loyalty_card', loyalty_card from marts.dim_customers
    union all
    select customer_id, 'email', email from marts.dim_customers
    union all
    select customer_id, 'phone', phone from marts.dim_customers
"""

QUERIES: Final[dict[str, Query]] = {
    "base": Query(
        ("ops.settings", "marts.dim_customers", "marts.customer_identities", "marts.fct_orders"),
        """select settings.as_of_date, settings.source_systems, settings.reporting_currency,
            (select count(*) from marts.dim_customers) as customers,
            (select count(*) from marts.customer_identities where valid_to is null) as source_records,
            orders.*
        from ops.settings as settings, (
            select count(*) as orders, sum(net_amount) as net_amount, min(ordered_on) as first_day,
                max(ordered_on) as last_day, avg(cast(customer_id is not null as double))
                    as identified_share,
                sum(net_amount) filter (where customer_id is not null) / sum(net_amount)
                    as identified_amount_share
            from marts.fct_orders where not is_return
        ) as orders""",
    ),
    "systems": Query(
        ("marts.customer_identities", "marts.fct_orders", "quality.reconciliation"),
        """with systems as (
            select unnest(string_split(source_systems, ',')) as source_system from ops.settings
        ),
        records as (
            select source_system, count(*) as records, count(distinct customer_id) as customers
            from marts.customer_identities where valid_to is null group by source_system
        ),
        sold as (
            select source_system, count(*) as orders, sum(net_amount) as net_amount
            from marts.fct_orders where not is_return group by source_system
        ),
        newest as (
            -- A file that was read again, under a changed contract, counts once.
            select * from quality.reconciliation qualify row_number() over (
                partition by source_system, table_name, source_file order by loaded_at desc
            ) = 1
        ),
        files as (
            select source_system, count(*) as files, sum(rows_delivered) as rows_delivered,
                sum(rows_loaded) as rows_loaded, sum(rows_rejected) as rows_rejected,
                sum(rows_unchanged) as rows_unchanged,
                count(*) filter (where not is_balanced) as unbalanced_files
            from newest group by source_system
        )
        select * from systems left join records using (source_system)
        left join sold using (source_system) left join files using (source_system)
        order by source_system""",
    ),
    "months": Query(
        ("marts.fct_orders",),
        """select date_trunc('month', ordered_on) as month, count(*) as orders,
            sum(net_amount) as net_amount
        from marts.fct_orders where not is_return group by month order by month""",
    ),
    "scorecard": Query(
        ("quality.scorecard",),
        """select source_system, entity, field, completeness_share, validity_share,
            uniqueness_share, consistency_share, timeliness_share, score, grade, rows_scored
        from quality.scorecard order by score, source_system, entity, field""",
    ),
    "issues": Query(
        ("quality.issues",),
        """select source_system, field, issue_code, is_mended, records, records_share
        from quality.issues order by records desc, source_system, field, issue_code limit 15""",
    ),
    "rejects": Query(
        ("raw._rejects",),
        """select source_system, table_name, column_name, reason,
            count(distinct (batch_id, row_number)) as rejected_rows
        from raw._rejects group by all
        order by rejected_rows desc, source_system, table_name, column_name limit 12""",
    ),
    "drift": Query(
        ("quality.source_profiles",),
        """with newest as (
            select *, max((coalesce(delivery, ''), loaded_at)) over (
                partition by source_system, table_name, delivery_series
            ) = (coalesce(delivery, ''), loaded_at) as is_newest
            from quality.source_profiles
        )
        select source_system, table_name, column_name, drift_kinds, drift_severity, drift_score
        from newest where is_newest and drift_severity <> 'none'
        order by drift_severity = 'warning' desc, source_system, table_name, column_name""",
    ),
    "profiles": Query(
        ("quality.source_profiles",),
        """with held as (
            select source_system, table_name, column_name, sum(rows) as held_rows,
                sum(nulls) as nulls
            from quality.source_profiles where column_name <> '*' group by all
        )
        select source_system, count(distinct table_name) as tables, count(*) as source_columns,
            count(*) filter (where nulls = 0) as full_columns,
            count(*) filter (where nulls >= 0.5 * held_rows) as sparse_columns,
            count(*) filter (where nulls = held_rows) as empty_columns
        from held group by source_system order by source_system""",
    ),
    "unknown_members": Query(
        ("quality.unknown_members",),
        """select dimension, source_system, unknown_line_share, unknown_net_amount_share
        from quality.unknown_members where unknown_line_share > 0
        order by unknown_line_share desc, dimension, source_system""",
    ),
    "known_by_systems": Query(
        ("marts.customer_identities",),
        """with known as (
            select customer_id, count(distinct source_system) as systems, count(*) as records
            from marts.customer_identities where valid_to is null group by customer_id
        )
        select systems, count(*) as customers, sum(records) as records from known
        group by systems order by systems""",
    ),
    "shared_keys": Query(
        ("identity.customer_records",),
        f"""with linking as ({_LINKING_KEYS}),
        by_value as (
            select key_kind, key_value, count(*) as records,
                count(distinct source_system) as systems, max(per_system) as most_in_one
            from (
                select *, count(*) over (partition by key_kind, key_value, source_system) as per_system
                from linking where key_value is not null
            ) group by key_kind, key_value
        )
        select key_kind, count(*) as key_values,
            coalesce(sum(records) filter (where most_in_one > 1), 0) as records_within,
            count(*) filter (where most_in_one > 1) as values_within,
            count(*) filter (where systems > 1) as values_across,
            coalesce(sum(records) filter (where systems > 1), 0) as records_across
        from by_value group by key_kind order by key_kind""",
    ),
    "still_shared": Query(
        ("marts.dim_customers",),
        f"""with holders as ({_HOLDER_KEYS}),
        by_value as (
            select key_kind, key_value, count(*) as customers from holders
            where key_value is not null group by key_kind, key_value
        )
        select key_kind, count(*) as key_values,
            count(*) filter (where customers > 1) as shared_values,
            coalesce(sum(customers) filter (where customers > 1), 0) as customers
        from by_value group by key_kind order by key_kind""",
    ),
    "rfm_grid": Query(
        ("marts.customer_rfm",),
        """select r_score, f_score, count(*) as customers, sum(monetary_value) as net_amount
        from marts.customer_rfm where r_score is not null and f_score is not null
        group by r_score, f_score""",
    ),
    "groups": Query(
        ("marts.base_averages",),
        """select * from marts.base_averages
        order by case rfm_group when 'all' then 0 when 'prospect' then 1 when 'first_time' then 2
            when 'recurrent' then 3 else 4 end""",
    ),
    "segments": Query(
        ("marts.customer_rfm",),
        """select segment_name_en, segment_name_es, count(*) as customers,
            sum(coalesce(monetary_value, 0)) as net_amount
        from marts.customer_rfm group by segment_name_en, segment_name_es
        order by customers desc, segment_name_en limit 12""",
    ),
    "recency": Query(
        ("marts.customer_360",),
        """select least(recency_days // 30, 12) as months, count(*) as customers
        from marts.customer_360 where recency_days is not null group by months order by months""",
    ),
    "churn_risk": Query(
        ("marts.customer_360",),
        """select least(cast(floor(churn_risk * 10) as integer), 9) as tenth,
            count(*) as customers, sum(clv_365d) as expected_value, sum(net_amount) as net_amount
        from marts.customer_360 where churn_risk is not null group by tenth order by tenth""",
    ),
    "overdue": Query(
        ("marts.customer_360",),
        """select count(*) filter (where cycle_position is not null) as with_cycle,
            count(*) filter (where cycle_position < 1) as in_cycle,
            count(*) filter (where cycle_position >= 1 and cycle_position < 2) as due,
            count(*) filter (where cycle_position >= 2) as overdue,
            coalesce(sum(monetary_value) filter (where cycle_position >= 2), 0) as overdue_amount,
            sum(monetary_value) as net_amount, bool_and(is_abstaining) as is_abstaining
        from marts.customer_360""",
    ),
    "gaps": Query(
        ("marts.customer_purchase_patterns",),
        """with classes (class_number, days_from, days_to) as (
            values (1, 0, 3), (2, 3, 7), (3, 7, 14), (4, 14, 30), (5, 30, 60), (6, 60, 90),
                (7, 90, 180), (8, 180, 100000)
        )
        select class_number, days_from, days_to, count(customer_id) as customers
        from classes left join marts.customer_purchase_patterns as patterns
            on patterns.median_interpurchase_days > classes.days_from
            and patterns.median_interpurchase_days <= classes.days_to
        group by all order by class_number""",
    ),
    "gap_median": Query(
        ("marts.customer_purchase_patterns",),
        """select median(median_interpurchase_days) as median_days,
            avg(cast(regularity > 1 as double)) as regular_share
        from marts.customer_purchase_patterns where median_interpurchase_days is not null""",
    ),
    "weekdays": Query(
        ("marts.fct_orders",),
        """select isodow(ordered_on) as weekday, count(*) as orders, sum(net_amount) as net_amount
        from marts.fct_orders where not is_return group by weekday order by weekday""",
    ),
    "hours": Query(
        ("marts.fct_orders",),
        """select ordered_hour as hour, count(*) as orders
        from marts.fct_orders where not is_return and ordered_hour is not null
        group by hour order by hour""",
    ),
    "tickets": Query(
        ("marts.fct_orders",),
        """select quantile_cont(cast(net_amount as double), [0.1, 0.25, 0.5, 0.75, 0.9])
                as quantiles, avg(net_amount) as mean_amount, count(*) as orders
        from marts.fct_orders where not is_return and net_amount > 0""",
    ),
    "departments": Query(
        ("marts.fct_order_lines", "marts.dim_products"),
        """select coalesce(products.department, '') as department,
            sum(lines.net_amount) as net_amount, count(distinct lines.customer_id) as customers
        from marts.fct_order_lines as lines
        left join marts.dim_products as products using (product_id)
        where not lines.is_return group by 1 order by net_amount desc, department""",
    ),
    "pareto": Query(
        ("marts.pareto_curve",),
        """select customer_share, revenue_share, is_top_20
        from marts.pareto_curve order by customer_share""",
    ),
    "qualification": Query(
        ("marts.purchase_qualification",),
        """select source_system, sum(purchases) as orders,
            sum(purchases_with_who) / sum(purchases) as who_share,
            sum(purchases_with_what) / sum(purchases) as what_share,
            sum(purchases_with_when) / sum(purchases) as when_share,
            sum(qualified_purchases) / sum(purchases) as qualified_share
        from marts.purchase_qualification group by source_system having sum(purchases) > 0
        order by source_system""",
    ),
    "contact_points": Query(
        ("marts.customer_360",),
        """select count(*) as customers, count(*) filter (where has_email) as email,
            count(*) filter (where has_phone) as phone,
            count(*) filter (where has_postal_address) as post,
            count(*) filter (where has_push) as push,
            count(*) filter (where has_email or has_phone or has_postal_address or has_push)
                as any_channel
        from marts.customer_360""",
    ),
    "consents": Query(
        ("marts.customer_consents",),
        """select purpose, channel, count(*) filter (where status = 'granted') as granted,
            count(*) filter (where status = 'pending') as pending,
            count(*) filter (where status not in ('granted', 'pending')) as refused
        from marts.customer_consents group by purpose, channel order by purpose, channel""",
    ),
    "messages": Query(
        ("marts.fct_messages",),
        """select channel, count(*) as messages, count(delivered_at) as delivered,
            count(opened_at) as opened, count(clicked_at) as clicked, count(bounced_at) as bounced,
            count(unsubscribed_at) as unsubscribed
        from marts.fct_messages group by channel order by messages desc""",
    ),
    "plan": Query(
        ("plan.contact_plan",),
        """select count(*) as contacts, sum(expected_incremental_value) as expected_value,
            sum(cost) as cost
        from plan.contact_plan where plan_date = (select as_of_date from ops.settings)""",
    ),
}


def existing_tables(connection: duckdb.DuckDBPyConnection) -> frozenset[str]:
    """Return ``schema.table`` of every table and view."""
    rows = connection.execute(
        "select table_schema || '.' || table_name from information_schema.tables"
    ).fetchall()
    return frozenset(row[0] for row in rows)


def read_facts(connection: duckdb.DuckDBPyConnection) -> Facts:
    """Run every query whose tables exist; the others give no rows."""
    existing = existing_tables(connection)
    facts: Facts = {}
    for name, query in QUERIES.items():
        if not existing.issuperset(query.needs):
            facts[name] = []
            continue
        cursor = connection.execute(query.sql)
        names = [column[0] for column in cursor.description or []]
        facts[name] = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return facts
