with

customers as (

    select * from {{ ref('base_ecommerce__customers') }}

),

orders as (

    select * from {{ ref('base_ecommerce__orders') }}

),

provinces as (

    select * from {{ ref('provinces') }}

),

sightings as (

    select
        source_customer_id,
        min(ordered_at) as first_ordered_at
    from orders
    where source_customer_id is not null
    group by source_customer_id

),

accounts as (

    select
        customers.source_customer_id,
        cast(null as {{ dbt.type_string() }}) as full_name,
        customers.given_name,
        customers.surnames,
        customers.email,
        customers.phone,
        case
            when customers.street_detail is null then customers.street
            else {{ dbt.concat(["customers.street", "', '", "customers.street_detail"]) }}
        end as street,
        customers.city,
        customers.postal_code,
        customers.province_letters,
        customers.country_code,
        customers.delivered_at as record_updated_at,
        -- the export does not date an account
        coalesce(least(sightings.first_ordered_at, customers.delivered_at), customers.delivered_at) as first_seen_at
    from customers
    left join sightings on customers.source_customer_id = sightings.source_customer_id

),

guest_orders as (

    select
        *,
        row_number() over (partition by source_customer_id order by ordered_at desc, source_order_id) as place
    from orders
    where is_guest

),

-- what the newest order of a guest says
guests as (

    select
        guest_orders.source_customer_id,
        guest_orders.billing_name as full_name,
        cast(null as {{ dbt.type_string() }}) as given_name,
        cast(null as {{ dbt.type_string() }}) as surnames,
        guest_orders.email_key as email,
        guest_orders.billing_phone as phone,
        guest_orders.billing_street as street,
        guest_orders.billing_city as city,
        guest_orders.billing_postal_code as postal_code,
        guest_orders.billing_province_letters as province_letters,
        guest_orders.billing_country_code as country_code,
        guest_orders.ordered_at as record_updated_at,
        sightings.first_ordered_at as first_seen_at
    from guest_orders
    inner join sightings on guest_orders.source_customer_id = sightings.source_customer_id
    where guest_orders.place = 1

),

everybody as (

    select * from accounts
    union all
    select * from guests

),

final as (

    select
        everybody.source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'full_name', 'given_name', 'surnames', 'email', 'phone', 'street', 'city',
            'postal_code', 'province_name', 'country_code', 'has_email', 'has_phone',
            'has_postal_address', 'has_push', 'record_updated_at', 'first_seen_at',
        ]) }},
        everybody.full_name,
        everybody.given_name,
        everybody.surnames,
        everybody.email,
        everybody.phone,
        everybody.street,
        everybody.city,
        everybody.postal_code,
        provinces.province_name,
        everybody.country_code,
        everybody.email is not null as has_email,
        everybody.phone is not null as has_phone,
        everybody.street is not null
        and (everybody.city is not null or everybody.postal_code is not null) as has_postal_address,
        false as has_push,
        everybody.record_updated_at,
        everybody.first_seen_at
    from everybody
    left join provinces
        on
            everybody.country_code = 'ES'
            and everybody.province_letters = provinces.shopify_code

)

select * from final
