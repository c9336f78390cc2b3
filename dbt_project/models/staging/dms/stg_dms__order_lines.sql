with

vehicle_orders as (

    select * from {{ ref('base_dms__vehicle_orders') }}

),

vehicles as (

    select * from {{ ref('base_dms__vehicles') }}

),

workshop_visits as (

    select * from {{ ref('base_dms__workshop_visits') }}

),

sales as (

    select
        vehicle_orders.source_order_id,
        vehicle_orders.source_customer_id,
        vehicle_orders.source_store_id,
        {{ vehicle_model_id('vehicles.make', 'vehicles.model') }} as source_product_id,
        vehicle_orders.list_amount as gross_amount,
        vehicle_orders.discount_amount,
        vehicle_orders.net_amount,
        vehicle_orders.ordered_at
    from vehicle_orders
    left join vehicles on vehicle_orders.source_vehicle_id = vehicles.source_vehicle_id
    where vehicle_orders.status <> 'cancelled'
    union all
    select
        source_order_id,
        source_customer_id,
        source_store_id,
        {{ dbt.concat(["'workshop:'", 'visit_type']) }} as source_product_id,
        net_amount as gross_amount,
        0 as discount_amount,
        net_amount,
        opened_at as ordered_at
    from workshop_visits

),

final as (

    select
        source_order_id,
        -- one vehicle an order, one invoice a visit; labour and parts stand in the visits
        '1' as source_line_id,
        source_customer_id,
        source_store_id,
        source_product_id,
        {{ typed_nulls('order_lines', provided=[
            'source_order_id', 'source_line_id', 'source_customer_id', 'source_store_id',
            'source_product_id', 'channel', 'quantity', 'gross_amount', 'discount_amount',
            'net_amount', 'manufacturer_coupon_amount', 'is_return', 'ordered_at',
        ]) }},
        'store' as channel,
        1 as quantity,
        gross_amount,
        discount_amount,
        net_amount,
        0 as manufacturer_coupon_amount,
        false as is_return,
        ordered_at
    from sales

)

select * from final
