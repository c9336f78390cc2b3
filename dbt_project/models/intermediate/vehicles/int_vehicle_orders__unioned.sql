with

vehicle_orders as (

    {{ union_enabled('vehicle_orders') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

stores as (

    select * from {{ ref('int_stores__unioned') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('vehicle_orders.source_system', 'vehicle_orders.source_vehicle_order_id') }} as vehicle_order_id,
        {{ prefixed_id('vehicle_orders.source_system', 'vehicle_orders.source_order_id') }} as order_id,
        {{ prefixed_id('vehicle_orders.source_system', 'vehicle_orders.source_lead_id') }} as lead_id,
        {{ vehicle_id('vehicle_orders.source_system', 'vehicle_orders.source_vehicle_id') }} as vehicle_id,
        stores.store_id,
        customer_keys.customer_id,
        vehicle_orders.source_system,
        vehicle_orders.vehicle_kind,
        case
            when {{ is_known('vehicle_orders.cancelled_at', 'vehicle_orders.source_system') }} then 'cancelled'
            when {{ is_known('vehicle_orders.delivered_at', 'vehicle_orders.source_system') }} then 'delivered'
            else 'ordered'
        end as status,
        vehicle_orders.list_amount,
        vehicle_orders.discount_amount,
        vehicle_orders.net_amount,
        vehicle_orders.ordered_at,
        case when {{ is_known('vehicle_orders.delivered_at', 'vehicle_orders.source_system') }} then vehicle_orders.delivered_at end as delivered_at,
        case when {{ is_known('vehicle_orders.cancelled_at', 'vehicle_orders.source_system') }} then vehicle_orders.cancelled_at end as cancelled_at
    from vehicle_orders
    cross join settings
    {{ join_customer_keys('vehicle_orders', 'customer_source_system') }}
    left join stores
        on
            vehicle_orders.source_system = stores.source_system
            and vehicle_orders.source_store_id = stores.source_store_id
    -- the as-of cut
    where {{ is_known('vehicle_orders.ordered_at', 'vehicle_orders.source_system') }}

)

select * from final
