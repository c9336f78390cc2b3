with

orders as (

    {{ union_enabled('orders') }}

),

stores as (

    select * from {{ ref('int_stores__unioned') }}

),

business_lines as (

    select * from {{ ref('business_lines') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

keyed as (

    select
        orders.*,
        {{ prefixed_id('orders.store_source_system', 'orders.source_store_id') }} as given_store_id,
        -- the day and hour on the clock of the shop
        {{ source_local_time('orders.ordered_at', 'orders.source_system') }} as local_ordered_at
    from orders

),

final as (

    select
        {{ prefixed_id('keyed.source_system', 'keyed.source_order_id') }} as order_id,
        -- NULL for a guest
        customer_keys.customer_id,
        -- NULL for a store that the source never described
        stores.store_id,
        keyed.source_system,
        business_lines.line_of_business,
        keyed.channel,
        keyed.conversion_source,
        {{ prefixed_id('keyed.campaign_source_system', 'keyed.source_campaign_id') }} as campaign_id,
        keyed.discount_code,
        {{ prefixed_id('keyed.source_system', 'keyed.original_source_order_id') }} as original_order_id,
        coalesce(keyed.currency, {{ reporting_currency() }}) as currency,
        keyed.gross_amount,
        keyed.discount_amount,
        keyed.net_amount,
        keyed.manufacturer_coupon_amount,
        keyed.is_return,
        coalesce(keyed.is_purchase, not keyed.is_return) as is_purchase,
        coalesce(keyed.is_durable, false) as is_durable,
        keyed.is_time_of_day_known,
        cast(keyed.local_ordered_at as date) as ordered_on,
        case when keyed.is_time_of_day_known then {{ hour_of_day('keyed.local_ordered_at') }} end as ordered_hour,
        keyed.ordered_at
    from keyed
    {{ join_customer_keys('keyed') }}
    left join stores on keyed.given_store_id = stores.store_id
    left join business_lines on keyed.source_system = business_lines.source_system
    -- the as-of cut
    where keyed.local_ordered_at < {{ as_of_date() }}

)

select * from final
