{%- set compared = [
    ('recipients', 'messages'), ('bounces', 'bounced_messages'), ('opens', 'opened_messages'),
    ('clicks', 'clicked_messages'),
] %}

with

campaigns as (

    select * from {{ ref('int_campaigns__unioned') }}

),

offers as (

    select * from {{ ref('int_offers__unioned') }}

),

messages as (

    select * from {{ ref('int_messages__unioned') }}

),

web_sessions as (

    select * from {{ ref('int_web_sessions__aggregated') }}

),

offered as (

    select
        campaign_id,
        count(distinct offer_id) as offers,
        count(distinct product_id) as offered_products
    from offers
    group by campaign_id

),

sent as (

    select
        campaign_id,
        count(*) as messages,
        sum(case when bounced_at is not null then 1 else 0 end) as bounced_messages,
        -- as reports count them: software included
        sum(case when opened_at is not null then 1 else 0 end) as opened_messages,
        sum(case when clicked_at is not null or is_scanner_click then 1 else 0 end) as clicked_messages,
        sum(case when opened_at is not null and not is_machine_open then 1 else 0 end) as person_opened_messages,
        sum(case when clicked_at is not null then 1 else 0 end) as person_clicked_messages,
        sum(case when unsubscribed_at is not null then 1 else 0 end) as unsubscribed_messages,
        sum(case when complained_at is not null then 1 else 0 end) as complained_messages
    from messages
    group by campaign_id

),

visits as (

    select
        campaign_id,
        count(*) as web_sessions
    from web_sessions
    where campaign_id is not null
    group by campaign_id

),

final as (

    select
        campaigns.campaign_id,
        campaigns.source_system,
        campaigns.campaign_name,
        campaigns.campaign_type,
        campaigns.channel,
        campaigns.subject,
        cast(coalesce(offered.offers, 0) as bigint) as offers,
        cast(coalesce(offered.offered_products, 0) as bigint) as offered_products,
        {% for count in [
            'messages', 'bounced_messages', 'opened_messages', 'clicked_messages', 'person_opened_messages',
            'person_clicked_messages', 'unsubscribed_messages', 'complained_messages',
        ] %}
        cast(coalesce(sent.{{ count }}, 0) as bigint) as {{ count }},
        {% endfor %}
        cast(coalesce(visits.web_sessions, 0) as bigint) as web_sessions,
        campaigns.reported_recipients,
        campaigns.reported_deliveries,
        campaigns.reported_bounces,
        campaigns.reported_opens,
        campaigns.reported_clicks,
        campaigns.reported_unsubscribes,
        campaigns.reported_complaints,
        campaigns.reported_orders,
        campaigns.reported_revenue_amount,
        case
            when campaigns.reported_recipients is not null
                then
                    coalesce(campaigns.reported_unsubscribes, 0) = coalesce(sent.unsubscribed_messages, 0)
                    {% for reported, counted in compared %}
                    and coalesce(campaigns.reported_{{ reported }}, 0) = coalesce(sent.{{ counted }}, 0)
                    {% endfor %}
        end as is_reconciled,
        coalesce(campaigns.ends_on >= {{ as_of_date() }}, true) as is_running,
        campaigns.starts_on,
        campaigns.ends_on
    from campaigns
    left join offered on campaigns.campaign_id = offered.campaign_id
    left join sent on campaigns.campaign_id = sent.campaign_id
    left join visits on campaigns.campaign_id = visits.campaign_id

)

select * from final
