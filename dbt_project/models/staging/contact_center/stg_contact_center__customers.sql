with

cases as (

    select * from {{ ref('base_contact_center__cases') }}

),

ranked as (

    select
        *,
        min(opened_at) over (partition by source_customer_id) as first_opened_at,
        row_number() over (partition by source_customer_id order by opened_at desc, source_case_id desc) as place
    from cases

),

final as (

    select
        source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'full_name', 'email', 'phone', 'has_email', 'has_phone',
            'has_postal_address', 'has_push', 'record_updated_at', 'first_seen_at',
        ]) }},
        full_name,
        email,
        phone,
        email is not null as has_email,
        phone is not null as has_phone,
        false as has_postal_address,
        false as has_push,
        opened_at as record_updated_at,
        first_opened_at as first_seen_at
    from ranked
    where place = 1

)

select * from final
