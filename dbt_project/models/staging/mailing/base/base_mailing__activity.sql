with

source as (

    select * from {{ source('mailing', 'activity') }}

),

renamed as (

    select
        -- ids
        -- by Mailchimp's number of the recipient, so that nobody who has an address can compute the key
        {{ dbt.hash(dbt.concat(['campaign_id', "':'", 'coalesce(euid, lower(trim(email_address)))'])) }} as source_message_id,
        campaign_id as source_campaign_id,
        lower(trim(email_address)) as source_customer_id,

        -- strings
        lower(action) as action,
        bounce_type,
        url,
        ip,
        user_agent,

        -- timestamps
        occurred_at
    from source

)

select * from renamed
