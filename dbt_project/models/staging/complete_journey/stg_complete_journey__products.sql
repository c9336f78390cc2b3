with

products as (

    select * from {{ ref('base_complete_journey__products') }}

),

final as (

    select
        products.source_product_id,
        coalesce(products.product_type, products.category, products.department) as product_name,
        products.department,
        products.category,
        products.product_type,
        products.brand,
        products.manufacturer_id,
        products.package_size,
        {{ typed_nulls('products', provided=[
            'source_product_id', 'product_name', 'department', 'category', 'product_type', 'brand',
            'manufacturer_id', 'package_size', 'is_recommendable',
        ]) }},
        products.category is not null as is_recommendable
    from products

)

select * from final
