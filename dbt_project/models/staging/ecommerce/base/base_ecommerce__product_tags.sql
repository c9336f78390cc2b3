with

products as (

    select * from {{ ref('base_ecommerce__products') }}

),

-- Shopify parts tags by commas, the shop parts its own within one tag by semicolons
split as (

    select
        source_product_id,
        {{ split_to_rows("replace(tags, ',', ';')", ';') }} as tag
    from products

),

trimmed as (

    select distinct
        source_product_id,
        trim(tag) as tag
    from split

),

named as (

    select
        source_product_id,
        lower(trim({{ dbt.split_part('tag', "':'", 1) }})) as tag_kind,
        trim(substring(tag, length({{ dbt.split_part('tag', "':'", 1) }}) + 2)) as tag_value
    from trimmed

),

parsed as (

    select
        source_product_id,
        tag_kind,
        case when tag_kind = 'attr' then lower(trim({{ dbt.split_part('tag_value', "'='", 1) }})) end as attribute,
        case
            when tag_kind = 'attr' then trim(substring(tag_value, length({{ dbt.split_part('tag_value', "'='", 1) }}) + 2))
            else tag_value
        end as tag_value
    from named
    where tag_kind in ('attr', 'compatible')

),

final as (

    select * from parsed
    where tag_value <> ''

)

select * from final
