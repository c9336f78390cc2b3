with

transactions as (

    select * from {{ ref('base_complete_journey__transactions') }}

),

final as (

    select
        source_order_id,
        -- a product stands once in a basket
        source_product_id as source_line_id,
        source_customer_id,
        source_store_id,
        source_product_id,
        {{ typed_nulls('order_lines', provided=[
            'source_order_id', 'source_line_id', 'source_customer_id', 'source_store_id',
            'source_product_id', 'channel', 'quantity', 'gross_amount', 'discount_amount', 'net_amount',
            'manufacturer_coupon_amount', 'is_return', 'ordered_at',
        ]) }},
        'store' as channel,
        quantity,
        gross_amount,
        discount_amount,
        net_amount,
        manufacturer_coupon_amount,
        false as is_return,
        ordered_at
    from transactions

)

select * from final
