with

web_events as (

    select * from {{ ref('base_web__events') }}

),

pages as (

    select
        source_content_id,
        max(page_title) as title,
        max(content_group) as content_group,
        max(case when event_name = 'view_item' then source_product_id end) as source_product_id,
        min(occurred_at) as first_seen_at
    from web_events
    where source_content_id is not null
    group by source_content_id

),

final as (

    select
        source_content_id,
        title,
        content_group,
        {{ mapped_value('web', 'content_type', 'content_group', otherwise="'other'") }} as content_type,
        {{ path_segment('source_content_id', 2) }} as topic,
        source_product_id,
        'ecommerce' as product_source_system,
        first_seen_at
    from pages

)

select * from final
