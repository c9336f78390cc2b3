with

leads as (

    select * from {{ ref('int_leads__unioned') }}

),

vehicle_orders as (

    select * from {{ ref('int_vehicle_orders__unioned') }}

),

first_orders as (

    select
        lead_id,
        vehicle_order_id,
        ordered_at,
        row_number() over (partition by lead_id order by ordered_at, vehicle_order_id) as place
    from vehicle_orders
    where lead_id is not null and status <> 'cancelled'

),

final as (

    select
        leads.lead_id,
        leads.customer_id,
        leads.store_id,
        first_orders.vehicle_order_id,
        leads.source_system,
        leads.lead_source,
        leads.model_interest,
        leads.status,
        leads.lost_reason,
        leads.status = 'open' as is_open,
        first_orders.vehicle_order_id is not null as has_order,
        {{ days_between('leads.created_at', 'leads.closed_at') }} as days_to_close,
        leads.created_at,
        leads.closed_at,
        first_orders.ordered_at
    from leads
    left join first_orders
        on
            leads.lead_id = first_orders.lead_id
            and first_orders.place = 1

)

select * from final
