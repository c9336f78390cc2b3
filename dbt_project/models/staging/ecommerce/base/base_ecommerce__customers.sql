with

source as (

    select * from {{ source('ecommerce', 'customers') }}

),

renamed as (

    select
        -- ids
        {{ without_apostrophe('customer_id') }} as source_customer_id,

        -- strings
        given_name,
        surnames,
        email,
        nullif(lower(trim(email)), '') as email_key,
        street,
        street_detail,
        city,
        {{ without_apostrophe('postal_code') }} as postal_code,
        upper({{ without_apostrophe('province_letters') }}) as province_letters,
        upper(country_code) as country_code,
        coalesce({{ without_apostrophe('phone') }}, {{ without_apostrophe('address_phone') }}) as phone,
        tags,

        -- consents, as yes and no
        lower(accepts_email) as accepts_email,
        lower(accepts_sms) as accepts_sms,

        -- times
        {{ delivered_at('_delivery') }} as delivered_at
    from source

)

select * from renamed
