with

source as (

    select * from {{ source('complete_journey', 'coupons') }}

),

renamed as (

    select distinct  -- the source repeats some rows exactly
        -- ids
        campaign_id as source_campaign_id,
        coupon_upc as source_offer_id,
        product_id as source_product_id
    from source

)

select * from renamed
