with

vehicles as (

    select * from {{ ref('int_vehicles__unioned') }}

),

ownerships as (

    select * from {{ ref('int_vehicle_ownerships__unioned') }}

),

contracts as (

    select * from {{ ref('int_contracts__unioned') }}

),

visits as (

    select * from {{ ref('int_workshop_visits__unioned') }}

),

vehicle_orders as (

    select * from {{ ref('int_vehicle_orders__unioned') }}

),

owners as (

    select
        vehicle_id,
        customer_id,
        acquired_on,
        row_number() over (
            partition by vehicle_id order by acquired_on desc nulls last, customer_id
        ) as place
    from ownerships
    where released_on is null

),

covers as (

    select
        vehicle_id,
        max(case when contract_type = 'warranty' then ends_on end) as warranty_until,
        max(case when contract_type = 'finance' and coalesce(status, 'active') = 'active' then ends_on end)
            as finance_until
    from contracts
    group by vehicle_id

),

services as (

    select
        vehicle_id,
        count(*) as workshop_visits,
        max(odometer_km) as odometer_km,
        max(opened_at) as last_visit_at,
        max(case when visit_type = 'maintenance' then opened_at end) as last_maintenance_at,
        max(case when visit_type = 'inspection' then opened_at end) as last_inspection_at
    from visits
    group by vehicle_id

),

sales as (

    select
        vehicle_id,
        max(ordered_at) as last_ordered_at
    from vehicle_orders
    where status <> 'cancelled'
    group by vehicle_id

),

final as (

    select
        vehicles.vehicle_id,
        owners.customer_id,
        vehicles.product_id,
        vehicles.source_system,
        vehicles.vin,
        vehicles.plate,
        vehicles.make,
        vehicles.model,
        vehicles.version,
        vehicles.fuel,
        vehicles.body,
        vehicles.model_year,
        vehicles.is_sold_new,
        greatest(vehicles.odometer_km, services.odometer_km) as odometer_km,
        {{ days_between('vehicles.registered_on', as_of_date()) }} / cast(365.25 as double) as age_years,
        cast(coalesce(services.workshop_visits, 0) as bigint) as workshop_visits,
        vehicles.registered_on,
        owners.acquired_on,
        covers.warranty_until,
        covers.finance_until,
        {{ next_inspection_on('vehicles.registered_on', as_of_date()) }} as next_inspection_on,
        sales.last_ordered_at,
        services.last_visit_at,
        services.last_maintenance_at,
        services.last_inspection_at,
        vehicles.first_seen_at
    from vehicles
    left join owners
        on
            vehicles.vehicle_id = owners.vehicle_id
            and owners.place = 1
    left join covers on vehicles.vehicle_id = covers.vehicle_id
    left join services on vehicles.vehicle_id = services.vehicle_id
    left join sales on vehicles.vehicle_id = sales.vehicle_id

)

select * from final
