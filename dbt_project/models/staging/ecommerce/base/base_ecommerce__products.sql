with

source as (

    select * from {{ source('ecommerce', 'products') }}

),

renamed as (

    select
        -- ids
        {{ without_apostrophe('sku') }} as source_product_id,
        {{ without_apostrophe('barcode') }} as ean,

        -- strings
        title as product_name,
        vendor as brand,
        {{ taxonomy_level('product_category', 1) }} as department,
        {{ taxonomy_level('product_category', 2) }} as category,
        coalesce({{ taxonomy_level('product_category', 3) }}, nullif(trim(product_type), '')) as product_type,
        tags,

        -- numerics
        price as list_price,

        -- booleans
        coalesce(lower(status), 'active') = 'active' as is_active
    from source

)

select * from renamed
