with

source as (

    select * from {{ source('dms', 'vehicles') }}

),

renamed as (

    select
        -- ids
        vin as source_vehicle_id,
        owner_customer_no as source_customer_id,

        -- strings
        vin,
        plate,
        make,
        model,
        version,
        fuel,
        body,

        -- numerics
        model_year,
        odometer_km,

        -- booleans
        is_new as is_sold_new,

        -- dates
        registration_date as registered_on,
        acquired_at as acquired_on,
        sold_at as released_on,

        -- timestamps
        updated_at
    from source

)

select * from renamed
