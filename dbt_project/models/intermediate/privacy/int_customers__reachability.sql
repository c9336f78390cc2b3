{#
  A channel reaches a customer when the address is there, nothing forbids it, and, as soon as any system
  records consents of the customer, the commercial consent for that channel is granted. Systems without
  consents (a loyalty programme whose terms are the consent) stay as they are.
  Per channel: contact point, channel of the consent, channels of a suppression.
#}
{%- set channels = {
    'email': ['has_email', 'email', ['email', 'all']],
    'sms': ['has_phone', 'sms', ['sms', 'phone', 'all']],
    'phone': ['has_phone', 'phone', ['phone', 'all']],
    'postal_address': ['has_postal_address', 'post', ['post', 'all']],
    'push': ['has_push', 'push', ['push', 'all']],
} %}

with

customers as (

    select * from {{ ref('int_customers__merged') }}

),

current_consents as (

    select * from {{ ref('int_consents__current') }}

),

suppressions as (

    select * from {{ ref('int_suppressions__unioned') }}

),

messages as (

    select * from {{ ref('int_messages__unioned') }}

),

recorded as (

    select
        {% for name, rule in channels.items() %}
        max(case when purpose = 'marketing' and channel = '{{ rule[1] }}' and is_granted then 1 else 0 end) = 1
            as allows_{{ name }},
        max(case when purpose = 'marketing' and channel = '{{ rule[1] }}' then last_granted_at end)
            as {{ name }}_granted_at,
        {% endfor %}
        customer_id
    from current_consents
    group by customer_id

),

forbidden as (

    select
        {% for name, rule in channels.items() %}
        max(case when suppressions.channel in ('{{ rule[2] | join("', '") }}') then 1 else 0 end) = 1
            as forbids_{{ name }},
        {% endfor %}
        suppressions.customer_id
    from suppressions
    inner join customers on suppressions.customer_id = customers.customer_id
    -- an address that does not exist says nothing of the one that the customer has now
    where
        suppressions.reason <> 'hard_bounce'
        or coalesce(suppressions.identifier_sha256 = {{ sha256_hex('lower(customers.email)') }}, true)
    group by suppressions.customer_id

),

opted_out as (

    select
        {% for name, rule in channels.items() %}
        max(case when channel = '{{ rule[1] }}' then unsubscribed_at end) as {{ name }}_opted_out_at,
        {% endfor %}
        customer_id
    from messages
    where unsubscribed_at is not null
    group by customer_id

),

final as (

    select
        customers.customer_id,
        {% for name, rule in channels.items() %}
        coalesce(customers.{{ rule[0] }}, false)
        and (recorded.customer_id is null or recorded.allows_{{ name }})
        and not coalesce(forbidden.forbids_{{ name }}, false)
        and (
            opted_out.{{ name }}_opted_out_at is null
            or coalesce(recorded.{{ name }}_granted_at > opted_out.{{ name }}_opted_out_at, false)
        ) as has_{{ name }},
        {% endfor %}
        recorded.customer_id is not null as has_consent_record
    from customers
    left join recorded on customers.customer_id = recorded.customer_id
    left join forbidden on customers.customer_id = forbidden.customer_id
    left join opted_out on customers.customer_id = opted_out.customer_id

)

select * from final
