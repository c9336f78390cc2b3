with

ticket_lines as (

    select * from {{ ref('base_pos__ticket_lines') }}

),

tickets as (

    select * from {{ ref('base_pos__tickets') }}

),

-- from the lines, so that orders and lines always hold the same sales
totals as (

    select
        source_order_id,
        min(source_customer_id) as source_customer_id,
        min(source_store_id) as source_store_id,
        min(currency) as currency,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(net_amount) as net_amount,
        min(ordered_at) as ordered_at,
        max(case when is_return then 1 else 0 end) as returns
    from ticket_lines
    group by source_order_id

),

final as (

    select
        totals.source_order_id,
        totals.source_customer_id,
        totals.source_store_id,
        {{ typed_nulls('orders', provided=[
            'source_order_id', 'source_customer_id', 'source_store_id', 'store_source_system', 'channel',
            'conversion_source', 'original_source_order_id', 'currency', 'gross_amount',
            'discount_amount', 'net_amount', 'manufacturer_coupon_amount', 'is_return',
            'is_time_of_day_known', 'ordered_at',
        ]) }},
        'erp' as store_source_system,
        'store' as channel,
        'direct' as conversion_source,
        tickets.original_source_order_id,
        totals.currency,
        totals.gross_amount,
        totals.discount_amount,
        totals.net_amount,
        0 as manufacturer_coupon_amount,
        totals.returns > 0 as is_return,
        true as is_time_of_day_known,
        totals.ordered_at
    from totals
    left join tickets on totals.source_order_id = tickets.source_order_id

)

select * from final
