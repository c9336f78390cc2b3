{# By which channels an advertisement may and can reach a customer, in one row: the summary of contact rights. #}
{%- set names = {
    'email': 'email',
    'sms': 'sms',
    'whatsapp': 'whatsapp',
    'push': 'push',
    'phone': 'phone',
    'post': 'postal_address',
} %}

with

contact_rights as (

    select * from {{ ref('int_customers__contact_rights') }}

),

final as (

    select
        {% for channel, name in names.items() %}
        max(case when channel = '{{ channel }}' and is_commercial_contact_allowed then 1 else 0 end) = 1
            as has_{{ name }},
        max(case when channel = '{{ channel }}' and is_consent_valid then 1 else 0 end) = 1 as allows_{{ name }},
        {% endfor %}
        customer_id
    from contact_rights
    group by customer_id

)

select * from final
