with

rfm as (

    select * from {{ ref('customer_rfm') }}

),

patterns as (

    select * from {{ ref('customer_purchase_patterns') }}

),

customers as (

    select * from {{ ref('dim_customers') }}

),

joined as (

    select
        rfm.customer_id,
        rfm.rfm_group,
        rfm.recency_days,
        rfm.monetary_value,
        patterns.orders,
        patterns.net_amount,
        patterns.durable_orders,
        patterns.durable_net_amount,
        patterns.mean_ticket_amount,
        patterns.median_interpurchase_days,
        customers.has_email or customers.has_phone or customers.has_postal_address or customers.has_push as is_reachable
    from rfm
    inner join customers on rfm.customer_id = customers.customer_id
    left join patterns on rfm.customer_id = patterns.customer_id

),

stacked as (

    select
        'all' as base_group,
        joined.*
    from joined
    union all
    select
        joined.rfm_group as base_group,
        joined.*
    from joined

),

averages as (

    select
        base_group as rfm_group,
        count(*) as customers,
        sum(coalesce(orders, 0)) as orders,
        sum(coalesce(net_amount, 0)) as net_amount,
        -- cars and the like are no tickets
        sum(coalesce(net_amount - durable_net_amount, 0))
        / nullif(sum(coalesce(orders - durable_orders, 0)), 0) as mean_ticket_amount,
        avg(coalesce(orders, 0)) as mean_orders,
        avg(coalesce(net_amount, 0)) as mean_customer_amount,
        avg(median_interpurchase_days) as mean_interpurchase_days,
        avg(recency_days) as mean_recency_days,
        avg(case when recency_days < 90 then 1.0 else 0.0 end) as active_90d_share,
        avg(case when is_reachable then 1.0 else 0.0 end) as reachable_share
    from stacked
    group by base_group

),

base as (

    select
        averages.customers,
        averages.net_amount
    from averages
    where averages.rfm_group = 'all'

),

final as (

    select
        averages.rfm_group,
        cast(averages.customers as bigint) as customers,
        averages.customers / cast(base.customers as double) as customer_share,
        cast(averages.orders as bigint) as orders,
        cast(averages.net_amount as decimal(18, 4)) as net_amount,
        cast(averages.net_amount as double) / nullif(cast(base.net_amount as double), 0) as net_amount_share,
        cast(averages.mean_ticket_amount as decimal(18, 4)) as mean_ticket_amount,
        cast(averages.mean_customer_amount as decimal(18, 4)) as mean_customer_amount,
        cast(averages.mean_orders as double) as mean_orders,
        cast(averages.mean_interpurchase_days as double) as mean_interpurchase_days,
        cast(averages.mean_recency_days as double) as mean_recency_days,
        cast(averages.active_90d_share as double) as active_90d_share,
        cast(averages.reachable_share as double) as reachable_share
    from averages
    cross join base

)

select * from final
