with

source as (

    select * from {{ source('mailing', 'sms') }}

),

renamed as (

    select
        -- ids
        message_id as source_message_id,
        campaign_id as source_campaign_id,
        right({{ digits_only('msisdn') }}, 9) as phone_key,

        -- strings
        campaign_name,
        msisdn as phone,
        lower(status) as status,

        -- timestamps
        sent_at,
        delivered_at,
        clicked_at,
        opt_out_at as opted_out_at
    from source

)

select * from renamed
