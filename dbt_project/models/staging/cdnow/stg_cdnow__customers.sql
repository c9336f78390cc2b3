with

purchases as (

    select * from {{ ref('base_cdnow__purchases') }}

),

customers as (

    select
        source_customer_id,
        min(ordered_at) as first_seen_at
    from purchases
    group by source_customer_id

),

final as (

    select
        source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'has_email', 'has_phone', 'has_postal_address', 'has_push',
            'first_seen_at',
        ]) }},
        -- an on-line shop of 1997 confirmed its orders by e-mail; the file itself has no address
        true as has_email,
        false as has_phone,
        false as has_postal_address,
        false as has_push,
        first_seen_at
    from customers

)

select * from final
