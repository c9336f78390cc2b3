with

source as (

    select * from {{ source('complete_journey', 'coupon_redemptions') }}

),

renamed as (

    select
        -- ids
        household_id as source_customer_id,
        coupon_upc as source_offer_id,
        campaign_id as source_campaign_id,

        -- timestamps
        cast(redemption_date as {{ dbt.type_timestamp() }}) as responded_at
    from source

)

select * from renamed
