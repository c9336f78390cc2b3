with

products as (

    select * from {{ ref('base_erp__products') }}

),

final as (

    select
        source_product_id,
        product_name,
        {{ typed_nulls('products', provided=[
            'source_product_id', 'product_name', 'department', 'category', 'brand', 'package_size', 'ean',
            'product_kind', 'list_price', 'is_recommendable',
        ]) }},
        department,
        category,
        brand,
        unit as package_size,
        ean,
        'product' as product_kind,
        list_price,
        is_active as is_recommendable
    from products

)

select * from final
