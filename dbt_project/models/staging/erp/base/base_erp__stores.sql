with

source as (

    select * from {{ source('erp', 'stores') }}

),

renamed as (

    select
        -- ids
        store_code as source_store_id,

        -- strings
        store_name,
        address as street,
        postal_code,
        city,
        province as province_name,
        phone,

        -- dates
        opened_on
    from source

)

select * from renamed
