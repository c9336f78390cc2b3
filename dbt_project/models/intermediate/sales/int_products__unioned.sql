with

products as (

    {{ union_enabled('products') }}

),

known as (

    select
        {{ prefixed_id('products.source_system', 'products.source_product_id') }} as product_id,
        products.source_system,
        products.source_product_id,
        products.product_name,
        coalesce(products.department, 'unknown') as department,
        coalesce(products.category, 'unknown') as category,
        coalesce(products.product_type, 'unknown') as product_type,
        products.brand,
        products.manufacturer_id,
        products.package_size,
        coalesce(products.is_recommendable, false) as is_recommendable,
        false as is_unknown_member
    from products

),

unknown_member as (

    select
        'unknown' as product_id,
        'unknown' as source_system,
        'unknown' as source_product_id,
        'Unknown product' as product_name,
        'unknown' as department,
        'unknown' as category,
        'unknown' as product_type,
        cast(null as {{ dbt.type_string() }}) as brand,
        cast(null as {{ dbt.type_string() }}) as manufacturer_id,
        cast(null as {{ dbt.type_string() }}) as package_size,
        false as is_recommendable,
        true as is_unknown_member

),

final as (

    select * from known
    union all
    select * from unknown_member

)

select * from final
