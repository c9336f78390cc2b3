with

customers as (

    select * from {{ ref('base_dms__customers') }}

),

leads as (

    select * from {{ ref('base_dms__leads') }}

),

vehicle_orders as (

    select * from {{ ref('base_dms__vehicle_orders') }}

),

workshop_visits as (

    select * from {{ ref('base_dms__workshop_visits') }}

),

-- whoever has no customer number yet
prospects as (

    select * from leads
    where customer_number is null

),

sightings as (

    select
        source_customer_id,
        created_at as seen_at
    from customers
    union all
    select
        source_customer_id,
        created_at as seen_at
    from leads
    union all
    select
        source_customer_id,
        ordered_at as seen_at
    from vehicle_orders
    union all
    select
        source_customer_id,
        opened_at as seen_at
    from workshop_visits

),

first_sightings as (

    select
        source_customer_id,
        min(seen_at) as first_seen_at
    from sightings
    where source_customer_id is not null
    group by source_customer_id

),

final as (

    select
        first_sightings.source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'given_name', 'surnames', 'surname_1', 'surname_2', 'email',
            'phone', 'mobile_phone', 'national_id', 'street', 'city', 'postal_code',
            'province_name', 'country_code', 'has_email', 'has_phone', 'has_postal_address',
            'has_push', 'birth_date', 'record_updated_at', 'first_seen_at',
        ]) }},
        coalesce(customers.given_name, prospects.given_name) as given_name,
        prospects.surnames,
        customers.surname_1,
        customers.surname_2,
        coalesce(customers.email, prospects.email) as email,
        coalesce(customers.phone, prospects.phone) as phone,
        customers.mobile_phone,
        customers.national_id,
        customers.street,
        customers.city,
        coalesce(customers.postal_code, prospects.postal_code) as postal_code,
        customers.province_name,
        'ES' as country_code,
        coalesce(customers.email, prospects.email) is not null as has_email,
        coalesce(customers.phone, customers.mobile_phone, prospects.phone) is not null as has_phone,
        customers.street is not null as has_postal_address,
        false as has_push,
        customers.birth_date,
        coalesce(customers.updated_at, prospects.updated_at) as record_updated_at,
        first_sightings.first_seen_at
    from first_sightings
    left join customers on first_sightings.source_customer_id = customers.source_customer_id
    left join prospects on first_sightings.source_customer_id = prospects.source_customer_id

)

select * from final
