with

responses as (

    select * from {{ ref('int_responses__unioned') }}

),

final as (

    select
        response_id,
        message_id,
        customer_id,
        campaign_id,
        offer_id,
        source_system,
        response_type,
        responded_at
    from responses

)

select * from final
