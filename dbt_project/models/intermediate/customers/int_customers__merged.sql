{#
  Survivorship. The parts of a name and of an address stay together: a street of one record with the
  floor of another would be an address where nobody lives. Valid wins before invalid, then complete
  before incomplete, then the record changed last.
#}
{%- set units = {
    'name': {
        'columns': ['is_company', 'given_name', 'surname_1', 'surname_2'],
        'filled': 'coalesce(records.given_name, records.surname_1)',
        'quality': '(case when records.is_name_valid then 4 else 0 end)
            + (case when records.given_name is not null then 1 else 0 end)
            + (case when records.surname_1 is not null then 1 else 0 end)
            + (case when records.surname_2 is not null then 1 else 0 end)',
    },
    'address': {
        'columns': ['street', 'street_type', 'street_name', 'street_number', 'floor', 'door', 'city',
            'postal_code', 'province_code', 'municipality_code', 'country_code'],
        'filled': 'coalesce(records.street, records.postal_code, records.city, records.country_code)',
        'quality': '(case when records.is_postal_code_valid then 2 else 0 end)
            + (case when records.is_address_parsed then 1 else 0 end)',
    },
} %}
{%- set fields = {
    'email': 'records.is_email_valid', 'mobile_phone': 'true', 'landline_phone': 'true',
    'national_id': 'records.is_national_id_valid', 'birth_date': 'records.is_birth_date_valid',
    'gender': 'true', 'loyalty_card': 'true', 'age_band': 'true', 'income_band': 'true',
    'household_size': 'true', 'household_composition': 'true', 'home_ownership': 'true',
    'marital_status': 'true', 'kids_count': 'true',
} %}
{%- set flags = ['has_email', 'has_phone', 'has_postal_address', 'has_push'] %}

with

customers as (

    select * from {{ ref('int_customers__unioned') }}

),

customer_keys as (

    select * from {{ ref('int_customers__key_linked') }}

),

records as (

    select
        customers.*,
        customer_keys.customer_id,
        -- the higher, the later changed
        row_number() over (
            order by customers.record_updated_at, customers.source_system desc, customers.source_customer_id desc
        ) as record_number,
        count(*) over () as record_count
    from customers
    inner join customer_keys
        on
            customers.source_system = customer_keys.source_system
            and customers.source_customer_id = customer_keys.source_customer_id

),

-- which record of a customer has the best value: NULL is not looked at by max_by
ranked as (

    select
        {%- for unit, rule in units.items() %}
        case
            when {{ rule.filled }} is not null then records.record_number + records.record_count * ({{ rule.quality }})
        end as {{ unit }}_rank,
        {%- endfor %}
        {%- for field, validity in fields.items() %}
        case
            when records.{{ field }} is null then null
            when {{ validity }} then records.record_number + records.record_count
            else records.record_number
        end as {{ field }}_rank,
        {%- endfor %}
        records.*
    from records

),

aggregated as (

    select
        customer_id,
        {%- for unit in units %}
        max_by(record_number, {{ unit }}_rank) as {{ unit }}_record_number,
        max_by(source_system, {{ unit }}_rank) as {{ unit }}_source,
        {%- endfor %}
        {%- for field in fields %}
        max_by({{ field }}, {{ field }}_rank) as {{ field }},
        max_by(source_system, {{ field }}_rank) as {{ field }}_source,
        {%- endfor %}
        {%- for flag in flags %}
        max(case when {{ flag }} then 1 else 0 end) = 1 as {{ flag }},
        {%- endfor %}
        count(*) as source_records,
        count(distinct source_system) as source_system_count,
        {{ distinct_texts('source_system') }} as source_systems,
        min(first_seen_at) as first_seen_at
    from ranked
    group by customer_id

),

final as (

    select
        aggregated.customer_id,
        {%- for unit, rule in units.items() %}
        {%- for column in rule.columns %}
        {{ unit }}_records.{{ column }},
        {%- endfor %}
        {%- endfor %}
        {%- for field in fields %}
        aggregated.{{ field }},
        {%- endfor %}
        coalesce(aggregated.mobile_phone, aggregated.landline_phone) as phone,
        {%- for flag in flags %}
        aggregated.{{ flag }},
        {%- endfor %}
        aggregated.source_records,
        aggregated.source_systems,
        case
            when
                aggregated.source_system_count = 1
                then concat('{"*": "', aggregated.source_systems, '"}')
            else
                concat(
                    '{',
                    concat_ws(
                        ', '
                        {%- for field in units.keys() | list + fields.keys() | list %},
                        case
                            when
                                aggregated.{{ field }}_source is not null
                                then concat('"{{ field }}": "', aggregated.{{ field }}_source, '"')
                        end
                        {%- endfor %}
                    ),
                    '}'
                )
        end as winning_sources,
        aggregated.first_seen_at
    from aggregated
    left join records as name_records on aggregated.name_record_number = name_records.record_number
    left join records as address_records on aggregated.address_record_number = address_records.record_number

)

select * from final
