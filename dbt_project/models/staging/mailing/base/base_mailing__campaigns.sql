with

source as (

    select * from {{ source('mailing', 'campaigns') }}

),

renamed as (

    select
        -- ids
        campaign_id as source_campaign_id,

        -- strings
        title as campaign_name,
        subject,

        -- numerics
        recipients,
        deliveries,
        bounces,
        unique_opens,
        unique_clicks,
        unsubscribes,
        complaints,
        orders,
        revenue,

        -- timestamps
        sent_at
    from source

)

select * from renamed
