{%- set later_events = ['delivered_at', 'opened_at', 'clicked_at', 'bounced_at', 'unsubscribed_at'] -%}

with

messages as (

    {{ union_enabled('messages') }}

),

final as (

    select
        {{ prefixed_id('messages.source_system', 'messages.source_message_id') }} as message_id,
        {{ customer_id('messages.source_system', 'messages.source_customer_id') }} as customer_id,
        {{ prefixed_id('messages.source_system', 'messages.source_campaign_id') }} as campaign_id,
        messages.source_system,
        messages.channel,
        messages.sent_at,
        -- what happened to a message from the as-of date on is not known yet
        {%- for event in later_events %}
        case
            when messages.{{ event }} < {{ as_of_date() }} then messages.{{ event }}
        end as {{ event }},
        {%- endfor %}
        case
            when messages.opened_at < {{ as_of_date() }} then messages.is_machine_open
        end as is_machine_open
    from messages
    -- the as-of cut
    where messages.sent_at < {{ as_of_date() }}

)

select * from final
