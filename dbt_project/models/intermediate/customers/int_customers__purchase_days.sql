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
    group by customer_id, ordered_on

)

select * from final
