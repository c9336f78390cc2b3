with

contents as (

    select * from {{ ref('int_contents__unioned') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

sessions as (

    select * from {{ ref('int_web_sessions__aggregated') }}

),

landings as (

    select
        landing_content_id,
        count(*) as landing_sessions
    from sessions
    group by landing_content_id

),

final as (

    select
        contents.content_id,
        contents.source_system,
        contents.path,
        contents.title,
        contents.content_group,
        contents.content_type,
        contents.topic,
        contents.product_id,
        products.category as product_category,
        cast(coalesce(landings.landing_sessions, 0) as bigint) as landing_sessions,
        contents.first_seen_at
    from contents
    left join products on contents.product_id = products.product_id
    left join landings on contents.content_id = landings.landing_content_id

)

select * from final
