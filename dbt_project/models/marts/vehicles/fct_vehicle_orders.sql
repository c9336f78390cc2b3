with

vehicle_orders as (

    select * from {{ ref('int_vehicle_orders__unioned') }}

),

vehicles as (

    select * from {{ ref('int_vehicles__unioned') }}

),

orders as (

    select * from {{ ref('int_orders__unioned') }}

),

known_leads as (

    select * from {{ ref('int_leads__unioned') }}

),

final as (

    select
        vehicle_orders.vehicle_order_id,
        vehicle_orders.customer_id,
        vehicles.vehicle_id,
        vehicle_orders.store_id,
        -- a cancelled order is no sale
        orders.order_id,
        known_leads.lead_id,
        vehicle_orders.source_system,
        vehicle_orders.vehicle_kind,
        vehicle_orders.status,
        vehicle_orders.list_amount,
        vehicle_orders.discount_amount,
        vehicle_orders.net_amount,
        {{ days_between('vehicle_orders.ordered_at', 'vehicle_orders.delivered_at') }} as days_to_delivery,
        vehicle_orders.ordered_at,
        vehicle_orders.delivered_at,
        vehicle_orders.cancelled_at
    from vehicle_orders
    left join vehicles on vehicle_orders.vehicle_id = vehicles.vehicle_id
    left join orders on vehicle_orders.order_id = orders.order_id
    left join known_leads on vehicle_orders.lead_id = known_leads.lead_id

)

select * from final
