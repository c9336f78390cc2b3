with

tickets as (

    select * from {{ ref('base_pos__tickets') }}

),

cards as (

    select
        source_customer_id,
        min(ordered_at) as first_seen_at,
        max(ordered_at) as last_seen_at
    from tickets
    where source_customer_id is not null
    group by source_customer_id

),

final as (

    select
        source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'loyalty_card', 'has_email', 'has_phone', 'has_postal_address', 'has_push',
            'record_updated_at', 'first_seen_at',
        ]) }},
        source_customer_id as loyalty_card,
        -- a till knows the card only; the address is in the ERP
        false as has_email,
        false as has_phone,
        false as has_postal_address,
        false as has_push,
        last_seen_at as record_updated_at,
        first_seen_at
    from cards

)

select * from final
