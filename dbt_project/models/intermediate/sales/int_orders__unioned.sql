with

orders as (

    {{ union_enabled('orders') }}

),

final as (

    select
        {{ prefixed_id('orders.source_system', 'orders.source_order_id') }} as order_id,
        {{ customer_id('orders.source_system', 'orders.source_customer_id') }} as customer_id,
        {{ prefixed_id('orders.source_system', 'orders.source_store_id') }} as store_id,
        orders.source_system,
        orders.channel,
        orders.conversion_source,
        orders.gross_amount,
        orders.discount_amount,
        orders.net_amount,
        orders.manufacturer_coupon_amount,
        orders.is_return,
        orders.is_time_of_day_known,
        cast(orders.ordered_at as date) as ordered_on,
        orders.ordered_at
    from orders
    -- the as-of cut
    where orders.ordered_at < {{ as_of_date() }}

)

select * from final
