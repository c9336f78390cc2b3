with

vehicles as (

    select * from {{ ref('base_dms__vehicles') }}

),

customers as (

    select * from {{ ref('base_dms__customers') }}

),

vehicle_orders as (

    select * from {{ ref('base_dms__vehicle_orders') }}

),

workshop_visits as (

    select * from {{ ref('base_dms__workshop_visits') }}

),

sightings as (

    select
        source_vehicle_id,
        ordered_at as seen_at
    from vehicle_orders
    union all
    select
        source_vehicle_id,
        opened_at as seen_at
    from workshop_visits
    union all
    -- the dealer knows a vehicle with its owner: from the later of purchase and first entry on
    select
        vehicles.source_vehicle_id,
        greatest(customers.created_at, cast(vehicles.acquired_on as {{ dbt.type_timestamp() }})) as seen_at
    from vehicles
    inner join customers on vehicles.source_customer_id = customers.source_customer_id

),

first_sightings as (

    select
        source_vehicle_id,
        min(seen_at) as first_seen_at
    from sightings
    group by source_vehicle_id

),

final as (

    select
        vehicles.source_vehicle_id,
        {{ vehicle_model_id('vehicles.make', 'vehicles.model') }} as source_product_id,
        vehicles.vin,
        vehicles.plate,
        vehicles.make,
        vehicles.model,
        vehicles.version,
        vehicles.fuel,
        vehicles.body,
        vehicles.model_year,
        vehicles.is_sold_new,
        vehicles.odometer_km,
        vehicles.registered_on,
        coalesce(first_sightings.first_seen_at, vehicles.updated_at) as first_seen_at
    from vehicles
    left join first_sightings on vehicles.source_vehicle_id = first_sightings.source_vehicle_id

)

select * from final
