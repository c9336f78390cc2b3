with

vehicles as (

    {{ union_enabled('vehicles') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ vehicle_id('vehicles.source_system', 'vehicles.source_vehicle_id') }} as vehicle_id,
        -- a model that the source never described
        coalesce(products.product_id, 'unknown') as product_id,
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
        vehicles.odometer_km,
        vehicles.registered_on,
        vehicles.first_seen_at
    from vehicles
    cross join settings
    left join products
        on
            vehicles.source_system = products.source_system
            and vehicles.source_product_id = products.source_product_id
    -- the as-of cut
    where {{ is_known('vehicles.first_seen_at', 'vehicles.source_system') }}

)

select * from final
