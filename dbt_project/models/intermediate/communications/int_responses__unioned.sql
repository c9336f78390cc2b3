with

responses as (

    {{ union_enabled('responses') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

final as (

    select
        {{ prefixed_id('responses.source_system', 'responses.source_response_id') }} as response_id,
        {{ prefixed_id('responses.source_system', 'responses.source_message_id') }} as message_id,
        customer_keys.customer_id,
        {{ prefixed_id('responses.source_system', 'responses.source_campaign_id') }} as campaign_id,
        {{ prefixed_id('responses.source_system', 'responses.source_offer_id') }} as offer_id,
        responses.source_system,
        responses.response_type,
        responses.responded_at
    from responses
    {{ join_customer_keys('responses') }}
    -- the as-of cut
    where responses.responded_at < {{ as_of_date() }}

)

select * from final
