with

campaigns as (

    select * from {{ ref('base_mailing__campaigns') }}

),

messages as (

    select * from {{ ref('base_mailing__sms') }}

),

by_sms as (

    select
        source_campaign_id,
        min(campaign_name) as campaign_name,
        min(sent_at) as sent_at
    from messages
    group by source_campaign_id

),

final as (

    select
        source_campaign_id,
        campaign_name,
        {{ typed_nulls('campaigns', provided=[
            'source_campaign_id', 'campaign_name', 'channel', 'subject', 'reported_recipients',
            'reported_deliveries', 'reported_bounces', 'reported_opens', 'reported_clicks',
            'reported_unsubscribes', 'reported_complaints', 'reported_orders',
            'reported_revenue_amount', 'starts_on', 'ends_on',
        ]) }},
        'email' as channel,
        subject,
        recipients as reported_recipients,
        deliveries as reported_deliveries,
        bounces as reported_bounces,
        unique_opens as reported_opens,
        unique_clicks as reported_clicks,
        unsubscribes as reported_unsubscribes,
        complaints as reported_complaints,
        orders as reported_orders,
        revenue as reported_revenue_amount,
        cast(sent_at as date) as starts_on,
        -- a mailing is one moment, not a season
        cast(sent_at as date) as ends_on
    from campaigns
    union all
    select
        source_campaign_id,
        campaign_name,
        {{ typed_nulls('campaigns', provided=[
            'source_campaign_id', 'campaign_name', 'channel', 'subject', 'reported_recipients',
            'reported_deliveries', 'reported_bounces', 'reported_opens', 'reported_clicks',
            'reported_unsubscribes', 'reported_complaints', 'reported_orders',
            'reported_revenue_amount', 'starts_on', 'ends_on',
        ]) }},
        'sms' as channel,
        cast(null as {{ dbt.type_string() }}) as subject,
        cast(null as bigint) as reported_recipients,
        cast(null as bigint) as reported_deliveries,
        cast(null as bigint) as reported_bounces,
        cast(null as bigint) as reported_opens,
        cast(null as bigint) as reported_clicks,
        cast(null as bigint) as reported_unsubscribes,
        cast(null as bigint) as reported_complaints,
        cast(null as bigint) as reported_orders,
        cast(null as decimal(18, 4)) as reported_revenue_amount,
        cast(sent_at as date) as starts_on,
        cast(sent_at as date) as ends_on
    from by_sms

)

select * from final
