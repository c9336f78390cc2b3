with

submissions as (

    select * from {{ ref('base_forms__submissions') }}

),

-- a short form does not undo what a longer one told before
ranked as (

    select
        source_customer_id,
        email,
        {% for field in ['given_name', 'surnames', 'phone', 'postal_code', 'birth_date'] %}
        first_value({{ field }}) over (
            partition by source_customer_id
            order by case when {{ field }} is null then 1 else 0 end, submitted_at desc, source_submission_id
        ) as {{ field }},
        {% endfor %}
        submitted_at,
        min(submitted_at) over (partition by source_customer_id) as first_submitted_at,
        row_number() over (
            partition by source_customer_id order by submitted_at desc, source_submission_id
        ) as place
    from submissions

),

final as (

    select
        source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'given_name', 'surnames', 'email', 'phone', 'postal_code',
            'has_email', 'has_phone', 'has_postal_address', 'has_push', 'birth_date',
            'record_updated_at', 'first_seen_at',
        ]) }},
        given_name,
        surnames,
        email,
        phone,
        postal_code,
        true as has_email,
        phone is not null as has_phone,
        false as has_postal_address,
        false as has_push,
        birth_date,
        submitted_at as record_updated_at,
        first_submitted_at as first_seen_at
    from ranked
    where place = 1

)

select * from final
