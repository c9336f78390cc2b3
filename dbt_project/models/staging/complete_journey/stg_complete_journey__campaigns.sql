with

campaigns as (

    select * from {{ ref('base_complete_journey__campaign_descriptions') }}

),

final as (

    select
        source_campaign_id,
        {{ dbt.concat(["'Campaign '", "source_campaign_id"]) }} as campaign_name,
        campaign_type,
        'post' as channel,
        {{ typed_nulls('campaigns', provided=[
            'source_campaign_id', 'campaign_name', 'campaign_type', 'channel', 'starts_on', 'ends_on',
        ]) }},
        starts_on,
        ends_on
    from campaigns

)

select * from final
