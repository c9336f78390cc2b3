with

messages as (

    select * from {{ ref('stg_mailing__messages') }}

),

final as (

    select
        {{ dbt.concat(["source_message_id", "'-click'"]) }} as source_response_id,
        source_message_id,
        source_customer_id,
        source_campaign_id,
        {{ typed_nulls('responses', provided=[
            'source_response_id', 'source_message_id', 'source_customer_id', 'source_campaign_id',
            'response_type', 'responded_at',
        ]) }},
        'click' as response_type,
        clicked_at as responded_at
    from messages
    where clicked_at is not null

)

select * from final
