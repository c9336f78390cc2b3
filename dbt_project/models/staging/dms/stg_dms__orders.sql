with

vehicle_orders as (

    select * from {{ ref('base_dms__vehicle_orders') }}

),

workshop_visits as (

    select * from {{ ref('base_dms__workshop_visits') }}

),

sales as (

    select
        source_order_id,
        source_customer_id,
        source_store_id,
        case when source_lead_id is not null then 'lead' else 'direct' end as conversion_source,
        true as is_durable,
        list_amount as gross_amount,
        discount_amount,
        net_amount,
        ordered_at
    from vehicle_orders
    -- nobody bought what was cancelled
    where status <> 'cancelled'
    union all
    select
        source_order_id,
        source_customer_id,
        source_store_id,
        'workshop' as conversion_source,
        false as is_durable,
        net_amount as gross_amount,
        0 as discount_amount,
        net_amount,
        opened_at as ordered_at
    from workshop_visits

),

final as (

    select
        source_order_id,
        source_customer_id,
        source_store_id,
        {{ typed_nulls('orders', provided=[
            'source_order_id', 'source_customer_id', 'source_store_id', 'channel',
            'conversion_source', 'gross_amount', 'discount_amount', 'net_amount',
            'manufacturer_coupon_amount', 'is_return', 'is_durable', 'is_time_of_day_known', 'ordered_at',
        ]) }},
        'store' as channel,
        conversion_source,
        gross_amount,
        discount_amount,
        net_amount,
        0 as manufacturer_coupon_amount,
        false as is_return,
        is_durable,
        true as is_time_of_day_known,
        ordered_at
    from sales

)

select * from final
