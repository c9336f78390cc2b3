with

invoice_lines as (

    select * from {{ ref('base_online_retail__invoice_lines') }}

),

final as (

    select
        source_order_id,
        -- equal lines are equal, so any order of them gives the same rows whatever file they came in
        cast(row_number() over (
            partition by source_order_id
            order by source_product_id, row_hash
        ) as {{ dbt.type_string() }}) as source_line_id,
        source_customer_id,
        'web' as source_store_id,
        source_product_id,
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
        is_credit_note as is_return,
        ordered_at
    from invoice_lines

)

select * from final
