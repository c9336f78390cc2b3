with

vehicle_orders as (

    select * from {{ ref('base_dms__vehicle_orders') }}

),

final as (

    select
        source_vehicle_order_id,
        source_order_id,
        source_customer_id,
        {{ typed_nulls('vehicle_orders', provided=[
            'source_vehicle_order_id', 'source_order_id', 'source_customer_id',
            'source_vehicle_id', 'source_store_id', 'source_lead_id', 'vehicle_kind', 'status',
            'list_amount', 'discount_amount', 'net_amount', 'ordered_at', 'delivered_at',
            'cancelled_at',
        ]) }},
        source_vehicle_id,
        source_store_id,
        source_lead_id,
        vehicle_kind,
        status,
        list_amount,
        discount_amount,
        net_amount,
        ordered_at,
        delivered_at,
        -- a cancelled order does not change any more
        case when status = 'cancelled' then updated_at end as cancelled_at
    from vehicle_orders

)

select * from final
