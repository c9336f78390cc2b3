with

order_lines as (

    select * from {{ ref('int_order_lines__unioned') }}

),

final as (

    select
        order_line_id,
        order_id,
        customer_id,
        store_id,
        product_id,
        source_system,
        source_product_id,
        channel,
        currency,
        quantity,
        gross_amount,
        discount_amount,
        net_amount,
        manufacturer_coupon_amount,
        is_product_line,
        is_return,
        ordered_on,
        ordered_at
    from order_lines

)

select * from final
