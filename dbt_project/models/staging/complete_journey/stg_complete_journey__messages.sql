with

mailings as (

    select * from {{ ref('base_complete_journey__campaigns') }}

),

campaigns as (

    select * from {{ ref('base_complete_journey__campaign_descriptions') }}

),

final as (

    select
        {{ dbt.concat(['mailings.source_campaign_id', "'-'", 'mailings.source_customer_id']) }} as source_message_id,
        mailings.source_customer_id,
        mailings.source_campaign_id,
        'post' as channel,
        {{ typed_nulls('messages', provided=[
            'source_message_id', 'source_customer_id', 'source_campaign_id', 'channel', 'sent_at',
        ]) }},
        -- the source gives no day of mailing: the campaign's first day stands for it
        cast(campaigns.starts_on as {{ dbt.type_timestamp() }}) as sent_at
    from mailings
    inner join campaigns on mailings.source_campaign_id = campaigns.source_campaign_id

)

select * from final
