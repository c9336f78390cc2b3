with

redemptions as (

    select * from {{ ref('base_complete_journey__coupon_redemptions') }}

),

final as (

    select
        {{ dbt.concat([
            'source_campaign_id', "'-'", 'source_customer_id', "'-'", 'source_offer_id', "'-'",
            'cast(cast(responded_at as date) as ' ~ dbt.type_string() ~ ')',
        ]) }} as source_response_id,
        {{ dbt.concat(['source_campaign_id', "'-'", 'source_customer_id']) }} as source_message_id,
        source_customer_id,
        source_campaign_id,
        source_offer_id,
        'coupon_redemption' as response_type,
        responded_at
    from redemptions

)

select * from final
