{# What behaviour says of an attribute; the names are those under which customers declare it. #}
{%- set days_back = 365 %}

with

settings as (

    select * from {{ source('ops', 'settings') }}

),

channels as (

    select * from {{ ref('int_customers__channels') }}

),

ownerships as (

    select * from {{ ref('int_vehicle_ownerships__unioned') }}

),

vehicles as (

    select * from {{ ref('int_vehicles__unioned') }}

),

web_events as (

    select * from {{ ref('int_web_events__unioned') }}

),

sessions as (

    select * from {{ ref('int_web_sessions__aggregated') }}

),

order_lines as (

    select * from {{ ref('int_order_lines__unioned') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

by_channel as (

    select
        customer_id,
        'preferred_channel' as attribute,
        best_channel as value,
        'messages' as tracked_in,
        responded_messages as observations
    from channels
    -- who answered once and can no longer be reached has no channel
    where responded_messages > 0 and best_channel is not null

),

owned as (

    select
        ownerships.customer_id,
        vehicles.model,
        row_number() over (
            partition by ownerships.customer_id order by ownerships.acquired_on desc nulls last, vehicles.vehicle_id
        ) as place
    from ownerships
    inner join vehicles on ownerships.vehicle_id = vehicles.vehicle_id
    where ownerships.released_on is null

),

by_vehicle as (

    select
        customer_id,
        'vehicle_model_interest' as attribute,
        model as value,
        'vehicles' as tracked_in,
        1 as observations
    from owned
    where place = 1

),

-- per session and product first: few rows are left to join
viewed as (

    select
        web_events.session_id,
        web_events.product_source_system,
        web_events.source_product_id,
        count(*) as views
    from web_events
    cross join settings
    where
        web_events.event_name = 'view_item'
        and web_events.source_product_id is not null
        and web_events.occurred_at >= {{ dbt.dateadd('day', -days_back, 'settings.as_of_date') }}
    group by web_events.session_id, web_events.product_source_system, web_events.source_product_id

),

viewed_categories as (

    select
        sessions.customer_id,
        products.category,
        sum(viewed.views) as views
    from viewed
    inner join sessions on viewed.session_id = sessions.session_id
    inner join products
        on
            viewed.product_source_system = products.source_system
            and viewed.source_product_id = products.source_product_id
    where sessions.customer_id is not null
    group by sessions.customer_id, products.category

),

ranked_categories as (

    select
        *,
        row_number() over (partition by customer_id order by views desc, category) as place
    from viewed_categories

),

by_views as (

    select
        customer_id,
        'interests' as attribute,
        category as value,
        'web' as tracked_in,
        views as observations
    from ranked_categories
    where place = 1

),

by_pet_food as (

    select
        order_lines.customer_id,
        'has_pets' as attribute,
        'true' as value,
        'orders' as tracked_in,
        count(distinct order_lines.order_id) as observations
    from order_lines
    cross join settings
    inner join products on order_lines.product_id = products.product_id
    inner join {{ ref('value_maps') }} as value_maps
        on
            value_maps.field = 'category_attribute'
            and value_maps.value = 'has_pets'
            and products.source_system = value_maps.source_system
            and lower(products.category) = value_maps.source_value
    where
        order_lines.customer_id is not null
        and not order_lines.is_return
        and order_lines.ordered_at >= {{ dbt.dateadd('day', -days_back, 'settings.as_of_date') }}
    group by order_lines.customer_id
    -- once may be a present
    having count(distinct order_lines.order_id) >= 2

),

tracked as (

    select * from by_channel
    union all
    select * from by_vehicle
    union all
    select * from by_views
    union all
    select * from by_pet_food

),

final as (

    select
        customer_id,
        attribute,
        cast(value as {{ dbt.type_string() }}) as value,
        tracked_in,
        cast(observations as bigint) as observations
    from tracked

)

select * from final
