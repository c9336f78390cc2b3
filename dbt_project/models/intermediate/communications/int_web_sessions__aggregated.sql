with

web_events as (

    select * from {{ ref('int_web_events__unioned') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

campaigns as (

    select * from {{ ref('int_campaigns__unioned') }}

),

orders as (

    select * from {{ ref('int_orders__unioned') }}

),

-- every event is read once, here
sessions as (

    select
        session_id,
        min(source_system) as source_system,
        min(device_id) as device_id,
        max(source_customer_id) as source_customer_id,
        min(customer_source_system) as customer_source_system,
        max(source_campaign_id) as source_campaign_id,
        min(campaign_source_system) as campaign_source_system,
        max(source_order_id) as source_order_id,
        min(order_source_system) as order_source_system,
        min(medium) as medium,
        min(traffic_source) as traffic_source,
        min(device_category) as device_category,
        min(operating_system) as operating_system,
        min(browser) as browser,
        min(country) as country,
        min(region) as region,
        min(city) as city,
        min_by(source_content_id, occurred_at) as landing_source_content_id,
        max_by(source_content_id, occurred_at) as exit_source_content_id,
        count(*) as events,
        sum(case when event_name = 'page_view' then 1 else 0 end) as page_views,
        sum(case when event_name = 'view_item' then 1 else 0 end) as product_views,
        sum(case when event_name = 'search' then 1 else 0 end) as searches,
        sum(case when event_name = 'add_to_cart' then 1 else 0 end) as cart_additions,
        sum(case when event_name = 'begin_checkout' then 1 else 0 end) as checkouts,
        sum(case when event_name = 'purchase' then 1 else 0 end) as purchases,
        sum(case when event_name = 'generate_lead' then 1 else 0 end) as leads,
        sum(case when event_name = 'sign_up' then 1 else 0 end) as sign_ups,
        sum(coalesce(revenue_amount, 0)) as revenue_amount,
        sum(coalesce(engagement_ms, 0)) as engagement_ms,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at
    from web_events
    group by session_id

),

logged_in as (

    select
        sessions.*,
        customer_keys.customer_id as login_customer_id
    from sessions
    {{ join_customer_keys('sessions', 'customer_source_system') }}

),

-- a device on which only one customer ever logged in is theirs; one in a shop or a family is nobody's
devices as (

    select
        source_system,
        device_id,
        min(login_customer_id) as customer_id
    from logged_in
    where login_customer_id is not null
    group by source_system, device_id
    having count(distinct login_customer_id) = 1

),

final as (

    select
        logged_in.session_id,
        coalesce(logged_in.login_customer_id, devices.customer_id) as customer_id,
        case
            when logged_in.login_customer_id is not null then 'login'
            when devices.customer_id is not null then 'device'
        end as identified_by,
        logged_in.source_system,
        logged_in.device_id,
        -- traffic from a mailing that no source describes has no campaign
        campaigns.campaign_id,
        orders.order_id,
        {{ prefixed_id('logged_in.source_system', 'logged_in.landing_source_content_id') }} as landing_content_id,
        {{ prefixed_id('logged_in.source_system', 'logged_in.exit_source_content_id') }} as exit_content_id,
        logged_in.medium,
        logged_in.traffic_source,
        logged_in.device_category,
        logged_in.operating_system,
        logged_in.browser,
        logged_in.country,
        logged_in.region,
        logged_in.city,
        logged_in.events,
        logged_in.page_views,
        logged_in.product_views,
        logged_in.searches,
        logged_in.cart_additions,
        logged_in.checkouts,
        logged_in.purchases,
        logged_in.leads,
        logged_in.sign_ups,
        logged_in.revenue_amount,
        logged_in.engagement_ms,
        logged_in.started_at,
        logged_in.ended_at
    from logged_in
    left join devices
        on
            logged_in.source_system = devices.source_system
            and logged_in.device_id = devices.device_id
    left join campaigns
        on {{ prefixed_id('logged_in.campaign_source_system', 'logged_in.source_campaign_id') }} = campaigns.campaign_id
    left join orders
        on {{ prefixed_id('logged_in.order_source_system', 'logged_in.source_order_id') }} = orders.order_id

)

select * from final
