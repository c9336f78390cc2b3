with

source as (

    select * from {{ source('forms', 'consents') }}

),

renamed as (

    select
        -- ids
        submission_id as source_submission_id,
        lower(trim(email)) as source_customer_id,

        -- strings
        lower(purpose) as purpose,
        lower(channel) as channel_code,
        policy_version,
        lower(double_opt_in) as double_opt_in,

        -- booleans
        is_granted,

        -- timestamps
        submitted_at
    from source

)

select * from renamed
