with

source as (

    select * from {{ source('dms', 'customers') }}

),

renamed as (

    select
        -- ids
        customer_no as source_customer_id,
        tax_id as national_id,

        -- strings
        kind as customer_kind,
        first_name as given_name,
        surname_1,
        surname_2,
        email,
        phone,
        mobile as mobile_phone,
        street,
        postal_code,
        city,
        province as province_name,

        -- booleans
        allows_email,
        allows_sms,
        allows_phone,

        -- dates
        birth_date,

        -- timestamps
        created_at,
        updated_at
    from source

)

select * from renamed
