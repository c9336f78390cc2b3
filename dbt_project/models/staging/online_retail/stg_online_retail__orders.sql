with

invoice_lines as (

    select * from {{ ref('base_online_retail__invoice_lines') }}

),

invoices as (

    select
        source_order_id,
        min(source_customer_id) as source_customer_id,
        sum(net_amount) as net_amount,
        max(case when is_credit_note then 1 else 0 end) as credit_lines,
        max(case when not is_adjustment and quantity > 0 and unit_price > 0 then 1 else 0 end) as sold_lines,
        min(ordered_at) as ordered_at
    from invoice_lines
    group by source_order_id

),

final as (

    select
        source_order_id,
        source_customer_id,
        'web' as source_store_id,
        {{ typed_nulls('orders', provided=[
            'source_order_id', 'source_customer_id', 'source_store_id', 'channel', 'conversion_source',
            'gross_amount', 'discount_amount', 'net_amount', 'manufacturer_coupon_amount', 'is_return',
            'is_purchase', 'is_time_of_day_known', 'ordered_at',
        ]) }},
        'online' as channel,
        'direct' as conversion_source,
        net_amount as gross_amount,
        0 as discount_amount,
        net_amount,
        0 as manufacturer_coupon_amount,
        credit_lines > 0 as is_return,
        -- not a purchase: credit notes, written-off debts, stock that was written off, gifts alone
        credit_lines = 0 and sold_lines > 0 as is_purchase,
        true as is_time_of_day_known,
        ordered_at
    from invoices

)

select * from final
