with

movements as (

    select * from {{ ref('base_ecommerce__movements') }}

),

orders as (

    select * from {{ ref('base_ecommerce__orders') }}

),

totals as (

    select
        source_order_id,
        min(source_customer_id) as source_customer_id,
        min(sale_order_id) as sale_order_id,
        min(currency) as currency,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(net_amount) as net_amount,
        max(case when is_return then 1 else 0 end) as returns,
        min(ordered_at) as ordered_at
    from movements
    group by source_order_id

),

final as (

    select
        totals.source_order_id,
        totals.source_customer_id,
        'web' as source_store_id,
        {{ typed_nulls('orders', provided=[
            'source_order_id', 'source_customer_id', 'source_store_id', 'channel', 'conversion_source',
            'campaign_source_system', 'source_campaign_id', 'discount_code', 'original_source_order_id',
            'currency', 'gross_amount', 'discount_amount', 'net_amount', 'manufacturer_coupon_amount',
            'is_return', 'is_time_of_day_known', 'ordered_at',
        ]) }},
        'online' as channel,
        orders.conversion_source,
        -- mailings are sent by the mailing system; it numbers the campaigns
        case when orders.conversion_source in ('email', 'sms') then 'mailing' end as campaign_source_system,
        case when orders.conversion_source in ('email', 'sms') then orders.utm_campaign end as source_campaign_id,
        orders.discount_code,
        case when totals.returns > 0 then totals.sale_order_id end as original_source_order_id,
        totals.currency,
        totals.gross_amount,
        totals.discount_amount,
        totals.net_amount,
        0 as manufacturer_coupon_amount,
        totals.returns > 0 as is_return,
        -- when a return came back is known to the day at best
        totals.returns = 0 as is_time_of_day_known,
        totals.ordered_at
    from totals
    inner join orders on totals.sale_order_id = orders.source_order_id

)

select * from final
