{%- set filled_when_known = [
    'given_name', 'surname_1', 'email', 'phone', 'national_id', 'street', 'postal_code', 'birth_date',
    'gender', 'loyalty_card', 'age_band', 'income_band', 'household_size',
] %}

with

customers as (

    select * from {{ ref('int_customers__merged') }}

),

final as (

    select
        -- ids
        customers.customer_id,
        customers.household_id,

        -- identity
        customers.is_company,
        customers.given_name,
        customers.surname_1,
        customers.surname_2,
        customers.email,
        customers.phone,
        customers.mobile_phone,
        customers.landline_phone,
        customers.national_id,
        customers.street,
        customers.street_type,
        customers.street_name,
        customers.street_number,
        customers.floor,
        customers.door,
        customers.city,
        customers.postal_code,
        customers.province_code,
        customers.municipality_code,
        customers.country_code,
        customers.birth_date,
        customers.gender,
        customers.loyalty_card,

        -- declared attributes
        customers.age_band,
        customers.income_band,
        customers.household_size,
        customers.household_composition,
        customers.home_ownership,
        customers.marital_status,
        customers.kids_count,

        -- reachability
        customers.has_email,
        customers.has_phone,
        customers.has_postal_address,
        customers.has_push,

        -- provenance
        customers.first_seen_at,
        customers.source_records,
        customers.source_systems,
        (
            {%- for column in filled_when_known %}
            case when customers.{{ column }} is not null then 1 else 0 end{{ ' +' if not loop.last }}
            {%- endfor %}
        ) / cast({{ filled_when_known | length }} as double) as completeness_share,
        customers.winning_sources,
        customers.winning_times
    from customers

)

select * from final
