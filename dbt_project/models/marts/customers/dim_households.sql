{%- set parts = ['street', 'city', 'postal_code', 'province_code', 'municipality_code', 'country_code'] %}

with

customers as (

    select * from {{ ref('int_customers__merged') }}

),

-- the address that most of the household give, then that of the one known longest
addresses as (

    select
        *,
        count(*) over (partition by household_id, street, postal_code) as customers_there
    from customers
    where coalesce(street, postal_code, city, country_code) is not null

),

ranked as (

    select
        *,
        row_number() over (
            partition by household_id
            order by customers_there desc, case when street is null then 1 else 0 end, first_seen_at, customer_id
        ) as place
    from addresses

),

sizes as (

    select
        household_id,
        count(*) as customers,
        min(first_seen_at) as first_seen_at
    from customers
    group by household_id

),

final as (

    select
        sizes.household_id,
        sizes.customers,
        {%- for part in parts %}
        ranked.{{ part }},
        {%- endfor %}
        sizes.first_seen_at
    from sizes
    left join ranked on sizes.household_id = ranked.household_id and ranked.place = 1

)

select * from final
