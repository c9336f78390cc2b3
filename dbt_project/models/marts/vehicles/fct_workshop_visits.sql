with

visits as (

    select * from {{ ref('int_workshop_visits__unioned') }}

),

vehicles as (

    select * from {{ ref('int_vehicles__unioned') }}

),

final as (

    select
        visits.visit_id,
        visits.customer_id,
        vehicles.vehicle_id,
        visits.store_id,
        visits.order_id,
        visits.source_system,
        visits.visit_type,
        visits.odometer_km,
        {{ days_between('vehicles.registered_on', 'visits.opened_at') }} / cast(365.25 as double) as vehicle_age_years,
        visits.labour_amount,
        visits.parts_amount,
        visits.net_amount,
        visits.opened_at,
        visits.closed_at
    from visits
    left join vehicles on visits.vehicle_id = vehicles.vehicle_id

)

select * from final
