with

orders as (

    select * from {{ ref('fct_orders') }}

),

by_line as (

    select
        customer_id,
        coalesce(line_of_business, 'other') as line_of_business,
        sum(case when is_purchase then 1 else 0 end) as orders,
        sum(case when is_purchase then net_amount else 0 end) as net_amount,
        sum(case when is_return then 1 else 0 end) as returns,
        -sum(case when is_return then net_amount else 0 end) as returned_amount,
        min(case when is_purchase then ordered_on end) as first_purchase_on,
        max(case when is_purchase then ordered_on end) as last_purchase_on
    from orders
    where customer_id is not null
    group by customer_id, coalesce(line_of_business, 'other')

),

final as (

    select
        customer_id,
        line_of_business,
        cast(orders as bigint) as orders,
        cast(net_amount as decimal(18, 4)) as net_amount,
        cast(returns as bigint) as returns,
        cast(returned_amount as decimal(18, 4)) as returned_amount,
        cast(net_amount as double)
        / nullif(cast(sum(net_amount) over (partition by customer_id) as double), 0) as net_amount_share,
        cast(row_number() over (
            partition by customer_id
            order by orders desc, net_amount desc, line_of_business
        ) as integer) as line_rank,
        first_purchase_on,
        last_purchase_on,
        cast({{ days_between('last_purchase_on', as_of_date()) }} - 1 as bigint) as recency_days
    from by_line

)

select * from final
