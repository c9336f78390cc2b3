with

activity as (

    select * from {{ ref('base_mailing__activity') }}

),

text_messages as (

    select * from {{ ref('base_mailing__sms') }}

),

sms_recipients as (

    select * from {{ ref('base_mailing__sms_recipients') }}

),

sendings as (

    select
        source_message_id,
        min(source_customer_id) as source_customer_id,
        min(source_campaign_id) as source_campaign_id,
        min(occurred_at) as sent_at
    from activity
    where action = 'sent'
    group by source_message_id

),

links as (

    select
        source_campaign_id,
        count(distinct url) as links
    from activity
    where action = 'click'
    group by source_campaign_id

),

reactions as (

    select
        activity.source_message_id,
        activity.action,
        activity.bounce_type,
        activity.user_agent,
        activity.ip,
        activity.occurred_at,
        sendings.sent_at,
        links.links,
        count(*) over (
            partition by activity.source_message_id, activity.action
            order by {{ epoch_seconds('activity.occurred_at') }}
            range between 5 preceding and 5 following
        ) as clicks_around
    from activity
    inner join sendings on activity.source_message_id = sendings.source_message_id
    left join links on activity.source_campaign_id = links.source_campaign_id
    where activity.action <> 'sent'

),

judged as (

    select
        source_message_id,
        action,
        bounce_type,
        occurred_at,
        action = 'open'
        and {{ is_machine_open('user_agent', 'ip', 'sent_at', 'occurred_at') }} as is_machine,
        action = 'click'
        and {{ is_scanner_click('user_agent', 'sent_at', 'occurred_at', 'clicks_around', 'links') }} as is_scanner
    from reactions

),

outcomes as (

    select
        source_message_id,
        min(case when action = 'open' and not is_machine then occurred_at end) as opened_at,
        min(case when is_machine then occurred_at end) as machine_opened_at,
        min(case when action = 'click' and not is_scanner then occurred_at end) as clicked_at,
        min(case when is_scanner then occurred_at end) as scanner_clicked_at,
        min(case when action = 'bounce' then occurred_at end) as bounced_at,
        min(case when action = 'bounce' then bounce_type end) as bounce_type,
        min(case when action = 'unsub' then occurred_at end) as unsubscribed_at,
        min(case when action = 'abuse' then occurred_at end) as complained_at
    from judged
    group by source_message_id

),

final as (

    select
        sendings.source_message_id,
        sendings.source_customer_id,
        sendings.source_campaign_id,
        'email' as channel,
        outcomes.bounce_type,
        sendings.sent_at,
        -- the service reports what came back; the rest has arrived
        case when outcomes.bounced_at is null then sendings.sent_at end as delivered_at,
        outcomes.opened_at,
        outcomes.machine_opened_at,
        outcomes.clicked_at,
        outcomes.scanner_clicked_at,
        outcomes.bounced_at,
        outcomes.unsubscribed_at,
        outcomes.complained_at
    from sendings
    left join outcomes on sendings.source_message_id = outcomes.source_message_id
    union all
    select
        {{ dbt.concat(["'sms:'", 'text_messages.source_message_id']) }} as source_message_id,
        sms_recipients.source_customer_id,
        text_messages.source_campaign_id,
        'sms' as channel,
        case when text_messages.status = 'failed' then 'soft' end as bounce_type,
        text_messages.sent_at,
        text_messages.delivered_at,
        -- a telephone does not tell what is read
        cast(null as {{ dbt.type_timestamp() }}) as opened_at,
        cast(null as {{ dbt.type_timestamp() }}) as machine_opened_at,
        text_messages.clicked_at,
        cast(null as {{ dbt.type_timestamp() }}) as scanner_clicked_at,
        case when text_messages.status = 'failed' then text_messages.sent_at end as bounced_at,
        text_messages.opted_out_at as unsubscribed_at,
        cast(null as {{ dbt.type_timestamp() }}) as complained_at
    from text_messages
    inner join sms_recipients on text_messages.phone_key = sms_recipients.phone_key

)

select * from final
