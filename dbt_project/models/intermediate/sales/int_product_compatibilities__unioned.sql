{{ config(materialized="view") }}

with

compatibilities as (

    {{ union_enabled('product_compatibilities') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

final as (

    select
        products.product_id,
        compatible_products.product_id as compatible_product_id
    from compatibilities
    inner join products
        on
            compatibilities.source_system = products.source_system
            and compatibilities.source_product_id = products.source_product_id
    -- what fits a product that is not sold is of no use
    inner join products as compatible_products
        on
            compatibilities.source_system = compatible_products.source_system
            and compatibilities.compatible_source_product_id = compatible_products.source_product_id

)

select * from final
