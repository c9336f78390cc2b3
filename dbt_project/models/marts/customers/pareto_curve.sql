with

patterns as (

    select * from {{ ref('customer_purchase_patterns') }}

),

percentiles as (

    select * from {{ ref('percentiles') }}

),

ranked as (

    select
        customer_id,
        net_amount,
        row_number() over (order by net_amount desc, customer_id) as place,
        count(*) over () as customers,
        sum(net_amount) over () as base_net_amount,
        sum(net_amount) over (order by net_amount desc, customer_id rows unbounded preceding) as running_net_amount
    from patterns

),

final as (

    select
        percentiles.percentile as customer_percentile,
        cast(ranked.place as bigint) as customers,
        ranked.place / cast(ranked.customers as double) as customer_share,
        cast(ranked.running_net_amount as decimal(18, 4)) as net_amount,
        cast(ranked.running_net_amount as double) / nullif(cast(ranked.base_net_amount as double), 0) as revenue_share,
        cast(ranked.net_amount as decimal(18, 4)) as customer_net_amount_at_least,
        percentiles.percentile <= 20 as is_top_20
    from percentiles
    -- the top p % of n customers are the first ceil(n * p / 100)
    inner join ranked on ranked.place = cast(ceil(ranked.customers * percentiles.percentile / 100.0) as bigint)

)

select * from final
