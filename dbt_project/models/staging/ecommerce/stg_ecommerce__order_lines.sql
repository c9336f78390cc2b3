with

movements as (

    select * from {{ ref('base_ecommerce__movements') }}

),

final as (

    select
        source_order_id,
        -- a product stands once in an order
        source_product_id as source_line_id,
        source_customer_id,
        'web' as source_store_id,
        source_product_id,
        {{ typed_nulls('order_lines', provided=[
            'source_order_id', 'source_line_id', 'source_customer_id', 'source_store_id',
            'source_product_id', 'channel', 'currency', 'quantity', 'gross_amount', 'discount_amount',
            'net_amount', 'manufacturer_coupon_amount', 'is_return', 'ordered_at',
        ]) }},
        'online' as channel,
        currency,
        quantity,
        gross_amount,
        discount_amount,
        net_amount,
        0 as manufacturer_coupon_amount,
        is_return,
        ordered_at
    from movements

)

select * from final
