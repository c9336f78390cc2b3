with

members as (

    select * from {{ ref('base_mailing__members') }}

),

activity as (

    select * from {{ ref('base_mailing__activity') }}

),

sms_recipients as (

    select * from {{ ref('base_mailing__sms_recipients') }}

),

-- also who left the audience before its export, and who is known by a number only
sightings as (

    select
        source_customer_id,
        coalesce(opted_in_at, confirmed_at, last_changed_at) as seen_at,
        cast(null as {{ dbt.type_string() }}) as phone
    from members
    union all
    select
        source_customer_id,
        occurred_at as seen_at,
        cast(null as {{ dbt.type_string() }}) as phone
    from activity
    where action = 'sent'
    union all
    select
        source_customer_id,
        first_sent_at as seen_at,
        phone
    from sms_recipients

),

first_sightings as (

    select
        source_customer_id,
        min(seen_at) as first_seen_at,
        max(phone) as phone
    from sightings
    group by source_customer_id

),

final as (

    select
        first_sightings.source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'given_name', 'surnames', 'email', 'phone', 'postal_code',
            'has_email', 'has_phone', 'has_postal_address', 'has_push', 'record_updated_at',
            'first_seen_at',
        ]) }},
        members.given_name,
        members.surnames,
        case
            when first_sightings.source_customer_id not like 'tel:%'
                then coalesce(members.email, first_sightings.source_customer_id)
        end as email,
        coalesce(members.phone, first_sightings.phone) as phone,
        members.postal_code,
        first_sightings.source_customer_id not like 'tel:%'
        and coalesce(members.member_status, 'subscribed') <> 'cleaned' as has_email,
        coalesce(members.phone, first_sightings.phone) is not null as has_phone,
        false as has_postal_address,
        false as has_push,
        members.last_changed_at as record_updated_at,
        first_sightings.first_seen_at
    from first_sightings
    left join members on first_sightings.source_customer_id = members.source_customer_id

)

select * from final
