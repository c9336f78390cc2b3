with

source as (

    select * from {{ source('contact_center', 'cases') }}

),

renamed as (

    select
        -- ids
        case_number as source_case_id,
        coalesce(
            nullif(lower(trim(email)), ''),
            nullif({{ digits_only('phone') }}, ''),
            {{ dbt.concat(["'case:'", 'case_number']) }}
        ) as source_customer_id,
        sku as source_product_id,
        serial_number,

        -- strings
        channel,
        customer_name as full_name,
        phone,
        email,
        product_name,
        topic,
        subtopic,
        status,
        agent,
        description,

        -- numerics
        satisfaction_score,

        -- timestamps
        opened_at,
        closed_at
    from source

)

select * from renamed
