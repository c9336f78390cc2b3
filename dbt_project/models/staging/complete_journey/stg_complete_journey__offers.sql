with

coupons as (

    select * from {{ ref('base_complete_journey__coupons') }}

),

final as (

    select
        source_campaign_id,
        source_offer_id,
        source_product_id
    from coupons

)

select * from final
