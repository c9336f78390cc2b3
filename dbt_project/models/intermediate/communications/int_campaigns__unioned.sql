with

campaigns as (

    {{ union_enabled('campaigns') }}

),

final as (

    select
        {{ prefixed_id('campaigns.source_system', 'campaigns.source_campaign_id') }} as campaign_id,
        campaigns.source_system,
        campaigns.campaign_name,
        campaigns.campaign_type,
        campaigns.channel,
        campaigns.subject,
        campaigns.reported_recipients,
        campaigns.reported_deliveries,
        campaigns.reported_bounces,
        campaigns.reported_opens,
        campaigns.reported_clicks,
        campaigns.reported_unsubscribes,
        campaigns.reported_complaints,
        campaigns.reported_orders,
        campaigns.reported_revenue_amount,
        campaigns.starts_on,
        -- planned, hence known although it may lie ahead
        campaigns.ends_on
    from campaigns
    -- the as-of cut
    where campaigns.starts_on < {{ as_of_date() }}

)

select * from final
