with

source as (

    select * from {{ source('erp', 'customers') }}

),

renamed as (

    select
        -- ids
        customer_code as source_customer_id,
        loyalty_card,
        registration_store_code,

        -- strings
        given_name,
        surnames,
        national_id,
        address as street,
        postal_code,
        city,
        province as province_name,
        phone,
        mobile_phone,
        email,
        {{ mapped_value('erp', 'gender', 'gender_code') }} as gender,
        birth_date as birth_date_text,

        -- consents, as S and N
        allows_email,
        allows_sms,
        allows_post,

        -- dates and times
        {{ date_from_text('birth_date') }} as birth_date,
        cast(registered_on as {{ dbt.type_timestamp() }}) as registered_at,
        modified_at
    from source

)

select * from renamed
