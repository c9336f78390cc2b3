{%- set attributes = {
    'interests': 'interests',
    'preferred_channel': 'lower(preferred_channel)',
    'household_size': 'cast(household_size as ' ~ dbt.type_string() ~ ')',
    'has_pets': 'cast(has_pets as ' ~ dbt.type_string() ~ ')',
    'vehicle_model_interest': 'model_interest',
} %}

with

submissions as (

    select * from {{ ref('base_forms__submissions') }}

),

answers as (

    {% for attribute, value in attributes.items() %}
    select
        source_submission_id,
        source_customer_id,
        '{{ attribute }}' as attribute,
        {{ value }} as value,
        submitted_at
    from submissions
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        {{ dbt.concat(["source_submission_id", "'-'", "attribute"]) }} as source_declaration_id,
        source_customer_id,
        {{ typed_nulls('declared_attributes', provided=[
            'source_declaration_id', 'source_customer_id', 'attribute', 'value', 'declared_at',
        ]) }},
        attribute,
        value,
        submitted_at as declared_at
    from answers
    where value is not null

)

select * from final
