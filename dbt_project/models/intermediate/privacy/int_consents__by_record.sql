{#
  Which event holds in each source record: the latest; of two at one time the withdrawal. An event that
  nobody dated is read as strictly as it can be: a withdrawal holds for good, a grant proves nothing. A
  sign-up that waits for its confirmation and a box left empty take back nothing, so they hold only where
  nothing was granted or withdrawn. Opt-outs by message count as withdrawals of their system.
#}
{%- set purposes = ['marketing', 'third_parties', 'profiling'] %}

with

consents as (

    select * from {{ ref('int_consents__unioned') }}

),

messages as (

    select * from {{ ref('int_messages__unioned') }}

),

scopes as (

    {{ consent_scopes() }}

),

events as (

    select
        consent_id,
        customer_id,
        source_system,
        customer_source_system,
        source_customer_id,
        status,
        {{ known_or_unknown('purpose', purposes, 'unknown') }} as said_purpose,
        {{ known_or_unknown('channel', contact_channels() + ['all'], 'all') }} as said_channel,
        recorded_at
    from consents
    where customer_id is not null
    union all
    select
        message_id as consent_id,
        customer_id,
        source_system,
        source_system as customer_source_system,
        source_customer_id,
        'withdrawn' as status,
        'marketing' as said_purpose,
        {{ known_or_unknown('channel', contact_channels() + ['all'], 'all') }} as said_channel,
        coalesce(unsubscribed_at, complained_at) as recorded_at
    from messages
    where
        customer_id is not null
        and (unsubscribed_at is not null or complained_at is not null)

),

-- what an event says of each purpose and channel
applied as (

    select
        events.consent_id,
        events.customer_id,
        events.source_system,
        events.customer_source_system,
        events.source_customer_id,
        scopes.purpose,
        scopes.channel,
        -- without a date nothing is proved
        case when events.status = 'granted' and events.recorded_at is null then 'pending' else events.status end as status,
        events.recorded_at
    from events
    inner join scopes
        on
            events.said_purpose = scopes.said_purpose
            and events.said_channel = scopes.said_channel
    where
        events.status = 'withdrawn'
        or (events.said_purpose <> 'unknown' and events.said_channel <> 'unknown')

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, source_system, customer_source_system, source_customer_id, purpose, channel
            order by
                case
                    when status = 'withdrawn' and recorded_at is null then 1
                    when status in ('granted', 'withdrawn') then 2
                    when status = 'pending' then 3
                    else 4
                end,
                recorded_at desc nulls last,
                status desc,
                consent_id
        ) as place,
        count(*) over (
            partition by customer_id, source_system, customer_source_system, source_customer_id, purpose, channel
        ) as events
    from applied

),

final as (

    select
        customer_id,
        source_system,
        customer_source_system,
        source_customer_id,
        purpose,
        channel,
        status,
        consent_id as deciding_consent_id,
        recorded_at as decided_at,
        events
    from ranked
    where place = 1

)

select * from final
