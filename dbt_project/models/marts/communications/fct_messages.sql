with

messages as (

    select * from {{ ref('int_messages__unioned') }}

),

responses as (

    select * from {{ ref('int_responses__unioned') }}

),

answered as (

    select
        message_id,
        count(*) as responses,
        min(responded_at) as first_responded_at
    from responses
    group by message_id

),

final as (

    select
        messages.message_id,
        messages.customer_id,
        messages.campaign_id,
        messages.source_system,
        messages.channel,
        messages.bounce_type,
        messages.is_machine_open,
        messages.is_scanner_click,
        messages.complained_at is not null as has_complaint,
        cast(coalesce(answered.responses, 0) as bigint) as responses,
        answered.message_id is not null as has_response,
        messages.sent_at,
        messages.delivered_at,
        messages.opened_at,
        messages.clicked_at,
        messages.bounced_at,
        messages.unsubscribed_at,
        messages.complained_at,
        answered.first_responded_at
    from messages
    left join answered on messages.message_id = answered.message_id

)

select * from final
