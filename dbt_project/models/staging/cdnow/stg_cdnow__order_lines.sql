with

purchases as (

    select * from {{ ref('base_cdnow__purchases') }}

),

final as (

    select
        source_order_id,
        '1' as source_line_id,
        source_customer_id,
        'web' as source_store_id,
        'cd' as source_product_id,
        {{ typed_nulls('order_lines', provided=[
            'source_order_id', 'source_line_id', 'source_customer_id', 'source_store_id',
            'source_product_id', 'channel', 'quantity', 'gross_amount', 'discount_amount', 'net_amount',
            'manufacturer_coupon_amount', 'is_return', 'ordered_at',
        ]) }},
        'online' as channel,
        quantity,
        net_amount as gross_amount,
        0 as discount_amount,
        net_amount,
        0 as manufacturer_coupon_amount,
        false as is_return,
        ordered_at
    from purchases

)

select * from final
