with

orders as (

    select * from {{ ref('int_orders__unioned') }}

),

final as (

    select
        customer_id,
        ordered_on as purchase_date,
        count(*) as orders,
        cast(sum(net_amount) as decimal(18, 4)) as net_amount
    from orders
    where
        customer_id is not null
        and is_purchase
        -- a car is no part of a rhythm, and its price would swamp every mean
        and not is_durable
    group by customer_id, ordered_on

)

select * from final
