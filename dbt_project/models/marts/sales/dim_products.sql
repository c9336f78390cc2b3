with

products as (

    select * from {{ ref('int_products__unioned') }}

),

order_lines as (

    select * from {{ ref('int_order_lines__unioned') }}

),

sales as (

    select
        product_id,
        min(ordered_at) as first_sold_at,
        max(ordered_at) as last_sold_at
    from order_lines
    group by product_id

),

final as (

    select
        products.product_id,
        products.source_system,
        products.source_product_id,
        products.line_of_business,
        products.product_name,
        products.department,
        products.category,
        products.product_type,
        case
            when not products.is_unknown_member
                then
                    {{ dbt.concat([
                        "coalesce(products.line_of_business, 'other')", "' > '", 'products.department', "' > '",
                        'products.category', "' > '", 'products.product_type',
                    ]) }}
        end as taxonomy_path,
        products.brand,
        products.manufacturer_id,
        products.package_size,
        products.ean,
        products.product_kind,
        products.attributes,
        products.list_price,
        products.is_recommendable,
        products.is_unknown_member,
        sales.first_sold_at,
        sales.last_sold_at
    from products
    left join sales on products.product_id = sales.product_id

)

select * from final
