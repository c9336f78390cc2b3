with

source as (

    select * from {{ source('complete_journey', 'products') }}

),

renamed as (

    select
        -- ids
        product_id as source_product_id,
        manufacturer_id,

        -- strings
        department,
        product_category as category,
        product_type,
        brand,
        package_size
    from source

)

select * from renamed
