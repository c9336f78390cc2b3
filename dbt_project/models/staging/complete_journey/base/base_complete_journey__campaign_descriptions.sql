with

source as (

    select * from {{ source('complete_journey', 'campaign_descriptions') }}

),

renamed as (

    select
        -- ids
        campaign_id as source_campaign_id,

        -- strings
        campaign_type,

        -- dates
        start_date as starts_on,
        end_date as ends_on
    from source

)

select * from renamed
