{#
  Everything that stands in the way of a contact, by customer and channel: facts, one column each. Which of
  them matter depends on the legal basis of the play (ml/contact_plan/legal.py); is_commercial_contact_allowed
  says whether there is any basis for an advertisement at all. A fact that is missing is one that forbids.
#}
{%- set contact_points = {
    'email': 'customers.has_email',
    'sms': 'customers.has_phone and (customers.mobile_phone is not null or customers.landline_phone is null)',
    'whatsapp': 'customers.has_phone and (customers.mobile_phone is not null or customers.landline_phone is null)',
    'push': 'customers.has_push',
    'phone': 'customers.has_phone',
    'post': 'customers.has_postal_address',
} %}
{#- A list forbids telephone numbers for calls and texts alike. #}
{%- set forbidden_by = {
    'email': ['email'],
    'sms': ['sms', 'phone'],
    'whatsapp': ['whatsapp', 'sms', 'phone'],
    'push': ['push'],
    'phone': ['phone'],
    'post': ['post'],
} %}

with

customers as (

    select * from {{ ref('int_customers__merged') }}

),

legal_standing as (

    select * from {{ ref('int_customers__legal_standing') }}

),

current_consents as (

    select * from {{ ref('int_consents__current') }}

),

suppressions as (

    select * from {{ ref('int_suppressions__unioned') }}

),

records as (

    select * from {{ ref('int_customers__unioned') }}

),

messages as (

    select * from {{ ref('int_messages__unioned') }}

),

points as (

    {% for channel, has_point in contact_points.items() %}
    select
        customers.customer_id,
        '{{ channel }}' as channel,
        coalesce({{ has_point }}, false) as has_contact_point
    from customers
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

covers as (

    {% for channel, names in forbidden_by.items() %}
    {%- set is_last = loop.last %}
    {%- for name in names + ['all'] %}
    select
        '{{ channel }}' as channel,
        '{{ name }}' as listed_channel
    {{ 'union all' if not (is_last and loop.last) }}
    {%- endfor %}
    {% endfor %}

),

-- an address that does not exist says nothing of the one that the customer has now
listed as (

    select
        suppressions.customer_id,
        suppressions.reason,
        case
            when suppressions.channel in ('{{ contact_channels() | join("', '") }}', 'profiling') then suppressions.channel
            else 'all'
        end as listed_channel
    from suppressions
    inner join customers on suppressions.customer_id = customers.customer_id
    where
        suppressions.reason <> 'hard_bounce'
        or coalesce(suppressions.identifier_sha256 = {{ sha256_hex('lower(customers.email)') }}, true)

),

forbidden as (

    select
        listed.customer_id,
        covers.channel,
        max(case when listed.reason = 'own_list' then 1 else 0 end) = 1 as is_on_own_list,
        max(case when listed.reason = 'opt_out_list' then 1 else 0 end) = 1 as is_on_opt_out_list,
        max(case when listed.reason = 'hard_bounce' then 1 else 0 end) = 1 as is_undeliverable,
        max(case when listed.reason = 'unsubscribed' then 1 else 0 end) = 1 as has_unsubscribed,
        -- a reason that nobody has heard of is as good as a complaint
        max(case
            when listed.reason in ('own_list', 'opt_out_list', 'hard_bounce', 'unsubscribed') then 0
            else 1
        end) = 1 as has_complained
    from listed
    inner join covers
        on
            listed.listed_channel = covers.listed_channel
            -- our own list names each channel that it means
            and (listed.reason <> 'own_list' or covers.listed_channel in (covers.channel, 'all'))
    group by listed.customer_id, covers.channel

),

-- what came back for good and never arrived again, in whatever system sent it
returned as (

    select
        customer_id,
        source_system,
        source_customer_id,
        channel
    from messages
    where customer_id is not null
    group by customer_id, source_system, source_customer_id, channel
    having
        max(case when bounce_type = 'hard' then bounced_at end) is not null
        and coalesce(max(case when bounce_type = 'hard' then bounced_at end) >= max(delivered_at), true)

),

bounced as (

    select distinct
        returned.customer_id,
        returned.channel
    from returned
    inner join customers on returned.customer_id = customers.customer_id
    left join records
        on
            returned.source_system = records.source_system
            and returned.source_customer_id = records.source_customer_id
    where
        returned.channel <> 'email'
        or coalesce(lower(records.email) = lower(customers.email), true)

),

marketing as (

    select * from current_consents
    where purpose = 'marketing'

),

third_parties as (

    select * from current_consents
    where purpose = 'third_parties'

),

facts as (

    select
        points.customer_id,
        points.channel,
        points.has_contact_point,
        coalesce(marketing.status, 'unknown') as consent_status,
        coalesce(third_parties.status, 'unknown') as third_parties_status,
        not points.has_contact_point as lacks_contact_point,
        legal_standing.is_child,
        legal_standing.is_minor,
        coalesce(forbidden.is_on_own_list, false) as is_on_own_list,
        coalesce(forbidden.is_on_opt_out_list, false) as is_on_opt_out_list,
        coalesce(forbidden.has_complained, false) as has_complained,
        coalesce(forbidden.is_undeliverable, false) or bounced.customer_id is not null as is_undeliverable,
        coalesce(marketing.status = 'withdrawn', false) or coalesce(forbidden.has_unsubscribed, false) as is_withdrawn,
        coalesce(marketing.status in ('pending', 'declined'), false) as is_refused,
        not coalesce(marketing.is_granted, false) as is_not_granted,
        not legal_standing.is_existing_customer as is_no_customer,
        not legal_standing.has_running_contract as lacks_contract,
        legal_standing.has_objected_to_profiling,
        coalesce(legal_standing.profiling_status <> 'granted', true) as is_profiling_not_granted,
        not coalesce(third_parties.is_granted, false) as is_third_parties_not_granted,
        marketing.last_granted_at
    from points
    inner join legal_standing on points.customer_id = legal_standing.customer_id
    left join forbidden
        on
            points.customer_id = forbidden.customer_id
            and points.channel = forbidden.channel
    left join bounced
        on
            points.customer_id = bounced.customer_id
            and points.channel = bounced.channel
    left join marketing
        on
            points.customer_id = marketing.customer_id
            and points.channel = marketing.channel
    left join third_parties
        on
            points.customer_id = third_parties.customer_id
            and points.channel = third_parties.channel

),

judged as (

    select
        *,
        is_child or is_minor or is_on_own_list or is_on_opt_out_list or has_complained or is_undeliverable
        or is_withdrawn as is_forbidden
    from facts

),

final as (

    select
        *,
        not is_forbidden and not is_not_granted as is_consent_valid,
        has_contact_point
        and not is_forbidden
        and (
            not is_not_granted
            -- soft opt-in, LSSI 21.2; calls to customers, LGTel 66.1
            or (channel in ('email', 'sms', 'phone') and not is_refused and not is_no_customer)
            or (channel = 'post' and not is_refused)
        ) as is_commercial_contact_allowed
    from judged

)

select * from final
