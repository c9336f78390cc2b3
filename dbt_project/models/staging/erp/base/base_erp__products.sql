with

source as (

    select * from {{ source('erp', 'products') }}

),

renamed as (

    select
        -- ids
        product_code as source_product_id,
        ean,

        -- strings
        description as product_name,
        family as department,
        subfamily as category,
        brand,
        unit,

        -- numerics
        retail_price as list_price,
        cost,
        vat_rate,

        -- booleans
        coalesce(upper(is_active_code), 'S') = 'S' as is_active,

        -- dates and times
        listed_on,
        modified_at
    from source

)

select * from renamed
