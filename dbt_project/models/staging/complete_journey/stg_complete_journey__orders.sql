with

transactions as (

    select * from {{ ref('base_complete_journey__transactions') }}

),

baskets as (

    select
        source_order_id,
        min(source_customer_id) as source_customer_id,
        min(source_store_id) as source_store_id,
        sum(gross_amount) as gross_amount,
        sum(discount_amount) as discount_amount,
        sum(net_amount) as net_amount,
        sum(manufacturer_coupon_amount) as manufacturer_coupon_amount,
        max(case when has_coupon then 1 else 0 end) as coupons,
        min(ordered_at) as ordered_at
    from transactions
    group by source_order_id

),

final as (

    select
        source_order_id,
        source_customer_id,
        source_store_id,
        {{ typed_nulls('orders', provided=[
            'source_order_id', 'source_customer_id', 'source_store_id', 'channel', 'conversion_source',
            'gross_amount', 'discount_amount', 'net_amount', 'manufacturer_coupon_amount', 'is_return',
            'is_time_of_day_known', 'ordered_at',
        ]) }},
        'store' as channel,
        case when coupons > 0 then 'coupon' else 'direct' end as conversion_source,
        gross_amount,
        discount_amount,
        net_amount,
        manufacturer_coupon_amount,
        false as is_return,
        true as is_time_of_day_known,
        ordered_at
    from baskets

)

select * from final
