{%- set later_events = [
    'delivered_at', 'opened_at', 'machine_opened_at', 'clicked_at', 'scanner_clicked_at', 'bounced_at',
    'unsubscribed_at', 'complained_at',
] -%}

with

messages as (

    {{ union_enabled('messages') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

known as (

    select
        messages.source_system,
        messages.source_message_id,
        messages.source_customer_id,
        messages.source_campaign_id,
        messages.channel,
        messages.bounce_type,
        -- what happened to a message from the as-of date on is not known yet
        {%- for event in later_events %}
        case
            when {{ is_known('messages.' ~ event, 'messages.source_system') }} then messages.{{ event }}
        end as {{ event }},
        {%- endfor %}
        messages.sent_at
    from messages
    cross join settings
    -- the as-of cut
    where {{ is_known('messages.sent_at', 'messages.source_system') }}

),

final as (

    select
        {{ prefixed_id('known.source_system', 'known.source_message_id') }} as message_id,
        -- NULL for an address that no source describes
        customer_keys.customer_id,
        {{ prefixed_id('known.source_system', 'known.source_campaign_id') }} as campaign_id,
        known.source_system,
        known.source_customer_id,
        known.channel,
        case when known.bounced_at is not null then known.bounce_type end as bounce_type,
        -- software opens and follows links too: a person's event counts, software's only when alone
        case
            when known.opened_at is not null then false
            when known.machine_opened_at is not null then true
        end as is_machine_open,
        case
            when known.clicked_at is not null then false
            when known.scanner_clicked_at is not null then true
        end as is_scanner_click,
        known.sent_at,
        known.delivered_at,
        coalesce(known.opened_at, known.machine_opened_at) as opened_at,
        known.clicked_at,
        known.bounced_at,
        known.unsubscribed_at,
        known.complained_at
    from known
    {{ join_customer_keys('known') }}

)

select * from final
