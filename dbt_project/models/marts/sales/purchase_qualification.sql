with

orders as (

    select * from {{ ref('fct_orders') }}

),

checked as (

    select
        source_system,
        line_of_business,
        coalesce(store_id, 'unknown') as store_id,
        cast({{ dbt.date_trunc('month', 'ordered_on') }} as date) as month_starts_on,
        net_amount,
        case when customer_id is not null then 1 else 0 end as has_who,
        case when lines > 0 and unknown_product_lines = 0 then 1 else 0 end as has_what,
        case when is_time_of_day_known then 1 else 0 end as has_when
    from orders
    where is_purchase

),

counted as (

    select
        source_system,
        line_of_business,
        store_id,
        month_starts_on,
        count(*) as purchases,
        sum(has_who) as purchases_with_who,
        sum(has_what) as purchases_with_what,
        sum(has_when) as purchases_with_when,
        sum(has_who * has_what * has_when) as qualified_purchases,
        sum(net_amount) as net_amount,
        sum(case when has_who * has_what * has_when = 1 then net_amount else 0 end) as qualified_net_amount
    from checked
    group by source_system, line_of_business, store_id, month_starts_on

),

final as (

    select
        source_system,
        line_of_business,
        store_id,
        month_starts_on,
        cast(purchases as bigint) as purchases,
        cast(purchases_with_who as bigint) as purchases_with_who,
        cast(purchases_with_what as bigint) as purchases_with_what,
        cast(purchases_with_when as bigint) as purchases_with_when,
        cast(qualified_purchases as bigint) as qualified_purchases,
        qualified_purchases / cast(purchases as double) as qualified_share,
        cast(net_amount as decimal(18, 4)) as net_amount,
        cast(qualified_net_amount as decimal(18, 4)) as qualified_net_amount,
        cast(qualified_net_amount as double) / nullif(cast(net_amount as double), 0) as qualified_net_amount_share
    from counted

)

select * from final
