with

members as (

    select * from {{ ref('base_mailing__members') }}

),

activity as (

    select * from {{ ref('base_mailing__activity') }}

),

text_messages as (

    select * from {{ ref('base_mailing__sms') }}

),

sms_recipients as (

    select * from {{ ref('base_mailing__sms_recipients') }}

),

sign_ups as (

    select
        source_customer_id,
        'email' as channel,
        -- the second step of the double opt-in gives the consent, not the first
        case when confirmed_at is null then 'pending' else 'granted' end as status,
        case when confirmed_at is null then 'sign-up to the audience' else 'double opt-in of the audience' end as proof,
        coalesce(confirmed_at, opted_in_at, last_changed_at) as recorded_at
    from members

),

withdrawals as (

    select
        source_customer_id,
        'email' as channel,
        unsubscribed_at as recorded_at
    from members
    where member_status = 'unsubscribed' or unsubscribed_at is not null
    union all
    select
        source_customer_id,
        'email' as channel,
        occurred_at as recorded_at
    from activity
    where action = 'unsub'
    union all
    select
        sms_recipients.source_customer_id,
        'sms' as channel,
        text_messages.opted_out_at as recorded_at
    from text_messages
    inner join sms_recipients on text_messages.phone_key = sms_recipients.phone_key
    where text_messages.opted_out_at is not null

),

-- audience and activity tell of the same withdrawal: one a day counts, the first
daily_withdrawals as (

    select
        source_customer_id,
        channel,
        'withdrawn' as status,
        'unsubscribed by the recipient' as proof,
        min(recorded_at) as recorded_at
    from withdrawals
    group by source_customer_id, channel, cast(recorded_at as date)

),

events as (

    select * from sign_ups
    union all
    select * from daily_withdrawals

),

final as (

    select
        {{ dbt.hash(dbt.concat([
            'source_customer_id', "'-'", 'channel', "'-'", 'status', "'-'",
            "coalesce(cast(recorded_at as " ~ dbt.type_string() ~ "), 'undated')",
        ])) }} as source_consent_id,
        source_customer_id,
        {{ typed_nulls('consents', provided=[
            'source_consent_id', 'source_customer_id', 'purpose', 'channel', 'status', 'proof',
            'recorded_at',
        ]) }},
        'marketing' as purpose,
        channel,
        status,
        proof,
        recorded_at
    from events

)

select * from final
