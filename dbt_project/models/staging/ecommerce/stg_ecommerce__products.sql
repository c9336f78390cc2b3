with

products as (

    select * from {{ ref('base_ecommerce__products') }}

),

product_tags as (

    select * from {{ ref('base_ecommerce__product_tags') }}

),

-- one value per attribute, so that the object has each name once
attributes as (

    select
        source_product_id,
        attribute,
        min(tag_value) as attribute_value
    from product_tags
    where
        tag_kind = 'attr'
        and attribute <> ''
    group by source_product_id, attribute

),

pairs as (

    select
        source_product_id,
        attribute,
        {{ dbt.concat(["'\"'", json_escaped('attribute'), "'\": \"'", json_escaped('attribute_value'), "'\"'"]) }} as pair
    from attributes

),

objects as (

    select
        source_product_id,
        {{ dbt.concat(["'{'", dbt.listagg('pair', "', '", 'order by attribute'), "'}'"]) }} as attributes
    from pairs
    group by source_product_id

),

described as (

    select
        products.source_product_id,
        products.product_name,
        products.department,
        products.category,
        products.product_type,
        products.brand,
        products.ean,
        'product' as product_kind,
        objects.attributes,
        products.list_price,
        products.is_active as is_recommendable
    from products
    left join objects on products.source_product_id = objects.source_product_id
    union all
    select
        'shipping' as source_product_id,
        'Postage' as product_name,
        'Services' as department,
        'Postage' as category,
        'Postage' as product_type,
        cast(null as {{ dbt.type_string() }}) as brand,
        cast(null as {{ dbt.type_string() }}) as ean,
        'postage' as product_kind,
        cast(null as {{ dbt.type_string() }}) as attributes,
        cast(null as decimal(18, 4)) as list_price,
        false as is_recommendable

),

final as (

    select
        source_product_id,
        product_name,
        department,
        category,
        product_type,
        {{ typed_nulls('products', provided=[
            'source_product_id', 'product_name', 'department', 'category', 'product_type', 'brand', 'ean',
            'product_kind', 'attributes', 'list_price', 'is_recommendable',
        ]) }},
        brand,
        ean,
        product_kind,
        attributes,
        list_price,
        is_recommendable
    from described

)

select * from final
