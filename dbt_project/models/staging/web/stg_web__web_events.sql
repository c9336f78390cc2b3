with

web_events as (

    select * from {{ ref('base_web__events') }}

),

final as (

    select
        source_session_id,
        source_customer_id,
        -- a visitor who logs in is known by the number that the shop gave them
        'ecommerce' as customer_source_system,
        device_id,
        event_name,
        source_content_id,
        source_product_id,
        'ecommerce' as product_source_system,
        source_order_id,
        'ecommerce' as order_source_system,
        search_term,
        engagement_ms,
        revenue_amount,
        nullif(medium, '(none)') as medium,
        nullif(traffic_source, '(direct)') as traffic_source,
        case when medium in ('email', 'sms') then campaign end as source_campaign_id,
        'mailing' as campaign_source_system,
        device_category,
        operating_system,
        browser,
        country,
        region,
        city,
        occurred_at
    from web_events

)

select * from final
