with

sessions as (

    select * from {{ ref('int_web_sessions__aggregated') }}

),

final as (

    select
        session_id,
        customer_id,
        identified_by,
        source_system,
        device_id,
        campaign_id,
        order_id,
        landing_content_id,
        exit_content_id,
        medium,
        traffic_source,
        device_category,
        operating_system,
        browser,
        country,
        region,
        city,
        cast(events as bigint) as events,
        cast(page_views as bigint) as page_views,
        cast(product_views as bigint) as product_views,
        cast(searches as bigint) as searches,
        cast(cart_additions as bigint) as cart_additions,
        cast(checkouts as bigint) as checkouts,
        cast(purchases as bigint) as purchases,
        cast(leads as bigint) as leads,
        cast(sign_ups as bigint) as sign_ups,
        purchases > 0 as has_purchase,
        -- one page, and then the visitor was gone
        page_views <= 1 and product_views = 0 and purchases = 0 as is_bounce,
        cast(revenue_amount as decimal(18, 4)) as revenue_amount,
        cast(engagement_ms as double) / 1000 as engagement_seconds,
        cast({{ dbt.datediff('started_at', 'ended_at', 'second') }} as bigint) as duration_seconds,
        started_at,
        ended_at
    from sessions

)

select * from final
