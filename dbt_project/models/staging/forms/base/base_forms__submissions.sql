with

source as (

    select * from {{ source('forms', 'submissions') }}

),

renamed as (

    select
        -- ids
        submission_id as source_submission_id,
        lower(trim(email)) as source_customer_id,
        form_id as form_code,
        user_pseudo_id as device_id,
        sku as source_product_id,
        serial_number,
        dealer_code as source_store_id,

        -- strings
        form_name,
        form_type,
        page_url,
        trim(email) as email,
        first_name as given_name,
        surnames,
        phone,
        postal_code,
        store_name,
        model_interest,
        preferred_channel,
        -- a list in JSON becomes words with commas
        nullif(replace(replace(replace(interests, '[', ''), ']', ''), '"', ''), '') as interests,

        -- numerics
        recommendation_score,
        household_size,

        -- booleans
        has_pets,

        -- dates
        birth_date,
        purchased_on,

        -- timestamps
        submitted_at
    from source

)

select * from renamed
