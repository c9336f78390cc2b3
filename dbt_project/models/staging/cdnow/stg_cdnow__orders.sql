with

purchases as (

    select * from {{ ref('base_cdnow__purchases') }}

),

final as (

    select
        source_order_id,
        source_customer_id,
        'web' as source_store_id,
        {{ typed_nulls('orders', provided=[
            'source_order_id', 'source_customer_id', 'source_store_id', 'channel', 'conversion_source',
            'gross_amount', 'discount_amount', 'net_amount', 'manufacturer_coupon_amount', 'is_return',
            'is_time_of_day_known', 'ordered_at',
        ]) }},
        'online' as channel,
        'direct' as conversion_source,
        net_amount as gross_amount,
        0 as discount_amount,
        net_amount,
        0 as manufacturer_coupon_amount,
        false as is_return,
        false as is_time_of_day_known,
        ordered_at
    from purchases

)

select * from final
