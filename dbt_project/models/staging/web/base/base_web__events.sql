with

source as (

    select * from {{ source('web', 'events') }}

),

renamed as (

    select
        -- ids
        {{ dbt.hash(dbt.concat([
            'user_pseudo_id', "':'", 'coalesce(cast(ga_session_id as ' ~ dbt.type_string() ~ '), cast(event_date as ' ~ dbt.type_string() ~ '))',
        ])) }} as source_session_id,
        user_id as source_customer_id,
        user_pseudo_id as device_id,
        item_id as source_product_id,
        transaction_id as source_order_id,

        -- strings
        event_name,
        {{ page_path('page_location') }} as source_content_id,
        page_title,
        content_group,
        search_term,
        campaign,
        medium,
        traffic_source,
        device_category,
        operating_system,
        browser,
        country,
        region,
        city,

        -- numerics
        engagement_time_msec as engagement_ms,
        cast(purchase_revenue as decimal(18, 4)) as revenue_amount,

        -- timestamps
        {{ moment_from_microseconds('event_timestamp') }} as occurred_at
    from source

)

select * from renamed
