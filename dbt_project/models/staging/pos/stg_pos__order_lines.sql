with

ticket_lines as (

    select * from {{ ref('base_pos__ticket_lines') }}

),

final as (

    select
        source_order_id,
        source_line_id,
        source_customer_id,
        source_store_id,
        'erp' as store_source_system,
        source_product_id,
        'erp' as product_source_system,
        'store' as channel,
        currency,
        quantity,
        gross_amount,
        discount_amount,
        net_amount,
        0 as manufacturer_coupon_amount,
        is_return,
        ordered_at
    from ticket_lines

)

select * from final
