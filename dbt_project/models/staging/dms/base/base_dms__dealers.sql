with

source as (

    select * from {{ source('dms', 'dealers') }}

),

renamed as (

    select
        -- ids
        dealer_code as source_store_id,

        -- strings
        name as store_name,
        street,
        postal_code,
        city,
        province as province_name,
        phone
    from source

)

select * from renamed
