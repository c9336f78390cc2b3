with

invoice_lines as (

    select * from {{ ref('base_online_retail__invoice_lines') }}

),

customers as (

    select
        source_customer_id,
        max(country) as country,
        min(ordered_at) as first_seen_at
    from invoice_lines
    where source_customer_id is not null
    group by source_customer_id

),

final as (

    select
        source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'country_code', 'has_email', 'has_phone', 'has_postal_address', 'has_push',
            'first_seen_at',
        ]) }},
        {{ mapped_value('online_retail', 'country_code', 'customers.country') }} as country_code,
        -- a mail-order house: it knows e-mail and address of its customers, the file does not hold them
        true as has_email,
        false as has_phone,
        true as has_postal_address,
        false as has_push,
        first_seen_at
    from customers

)

select * from final
