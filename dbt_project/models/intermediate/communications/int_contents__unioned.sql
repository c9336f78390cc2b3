with

contents as (

    {{ union_enabled('contents') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('contents.source_system', 'contents.source_content_id') }} as content_id,
        case when contents.source_product_id is not null then coalesce(products.product_id, 'unknown') end as product_id,
        contents.source_system,
        contents.source_content_id as path,
        contents.title,
        contents.content_group,
        contents.content_type,
        contents.topic,
        contents.first_seen_at
    from contents
    cross join settings
    left join products
        on
            contents.product_source_system = products.source_system
            and contents.source_product_id = products.source_product_id
    -- the as-of cut
    where {{ is_known('contents.first_seen_at', 'contents.source_system') }}

)

select * from final
