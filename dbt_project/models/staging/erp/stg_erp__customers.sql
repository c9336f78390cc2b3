with

customers as (

    select * from {{ ref('base_erp__customers') }}

),

final as (

    select
        source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'given_name', 'surnames', 'email', 'phone', 'mobile_phone',
            'national_id', 'street', 'city', 'postal_code', 'province_name', 'country_code', 'gender',
            'loyalty_card', 'has_email', 'has_phone', 'has_postal_address', 'has_push', 'birth_date',
            'birth_date_text', 'record_updated_at', 'first_seen_at',
        ]) }},
        given_name,
        surnames,
        email,
        phone,
        mobile_phone,
        national_id,
        street,
        city,
        postal_code,
        province_name,
        'ES' as country_code,
        gender,
        loyalty_card,
        email is not null as has_email,
        phone is not null or mobile_phone is not null as has_phone,
        street is not null and (city is not null or postal_code is not null) as has_postal_address,
        false as has_push,
        birth_date,
        -- kept where it is no date, for the normalisation to judge
        case when birth_date is null then birth_date_text end as birth_date_text,
        modified_at as record_updated_at,
        registered_at as first_seen_at
    from customers

)

select * from final
