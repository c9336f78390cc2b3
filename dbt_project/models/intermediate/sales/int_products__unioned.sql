with

products as (

    {{ union_enabled('products') }}

),

business_lines as (

    select * from {{ ref('business_lines') }}

),

never_recommended as (

    select * from {{ ref('never_recommended') }}

),

known as (

    select
        {{ prefixed_id('products.source_system', 'products.source_product_id') }} as product_id,
        products.source_system,
        products.source_product_id,
        business_lines.line_of_business,
        products.product_name,
        coalesce(products.department, 'unknown') as department,
        coalesce(products.category, 'unknown') as category,
        -- a taxonomy of two levels ends in its categories
        coalesce(products.product_type, products.category, 'unknown') as product_type,
        products.brand,
        products.manufacturer_id,
        products.package_size,
        products.ean,
        coalesce(products.product_kind, 'product') as product_kind,
        products.attributes,
        products.list_price,
        coalesce(products.product_kind, 'product') = 'product'
        and coalesce(products.is_recommendable, false)
        and departments.name is null
        and categories.name is null as is_recommendable,
        false as is_unknown_member
    from products
    left join business_lines on products.source_system = business_lines.source_system
    left join never_recommended as departments
        on
            products.source_system = departments.source_system
            and products.department = departments.name
            and departments.taxonomy_level = 'department'
    left join never_recommended as categories
        on
            products.source_system = categories.source_system
            and products.category = categories.name
            and categories.taxonomy_level = 'category'

),

unknown_member as (

    select
        'unknown' as product_id,
        'unknown' as source_system,
        'unknown' as source_product_id,
        cast(null as {{ dbt.type_string() }}) as line_of_business,
        'Unknown product' as product_name,
        'unknown' as department,
        'unknown' as category,
        'unknown' as product_type,
        cast(null as {{ dbt.type_string() }}) as brand,
        cast(null as {{ dbt.type_string() }}) as manufacturer_id,
        cast(null as {{ dbt.type_string() }}) as package_size,
        cast(null as {{ dbt.type_string() }}) as ean,
        'product' as product_kind,
        cast(null as {{ dbt.type_string() }}) as attributes,
        cast(null as decimal(18, 4)) as list_price,
        false as is_recommendable,
        true as is_unknown_member

),

final as (

    select * from known
    union all
    select * from unknown_member

)

select * from final
