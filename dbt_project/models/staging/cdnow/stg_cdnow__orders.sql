with

purchases as (

    select * from {{ ref('base_cdnow__purchases') }}

),

final as (

    select
        source_order_id,
        source_customer_id,
        'web' as source_store_id,
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
