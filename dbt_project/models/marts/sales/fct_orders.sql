with

orders as (

    select * from {{ ref('int_orders__unioned') }}

),

order_lines as (

    select * from {{ ref('int_order_lines__unioned') }}

),

contents as (

    select
        order_id,
        count(*) as lines,
        sum(quantity) as quantity,
        sum(case when product_id = 'unknown' then 1 else 0 end) as unknown_product_lines
    from order_lines
    group by order_id

),

final as (

    select
        orders.order_id,
        orders.customer_id,
        orders.store_id,
        orders.source_system,
        orders.line_of_business,
        orders.channel,
        orders.conversion_source,
        orders.campaign_id,
        orders.discount_code,
        orders.original_order_id,
        cast(coalesce(contents.lines, 0) as bigint) as lines,
        cast(coalesce(contents.unknown_product_lines, 0) as bigint) as unknown_product_lines,
        cast(coalesce(contents.quantity, 0) as decimal(18, 4)) as quantity,
        orders.currency,
        orders.gross_amount,
        orders.discount_amount,
        orders.net_amount,
        orders.manufacturer_coupon_amount,
        orders.is_return,
        orders.is_purchase,
        orders.is_durable,
        orders.is_time_of_day_known,
        orders.ordered_on,
        orders.ordered_hour,
        orders.ordered_at
    from orders
    left join contents on orders.order_id = contents.order_id

)

select * from final
