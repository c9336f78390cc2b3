with

source as (

    select * from {{ source('complete_journey', 'campaigns') }}

),

renamed as (

    select
        -- ids
        campaign_id as source_campaign_id,
        household_id as source_customer_id
    from source

)

select * from renamed
