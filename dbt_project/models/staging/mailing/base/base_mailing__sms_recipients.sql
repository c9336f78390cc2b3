with

messages as (

    select * from {{ ref('base_mailing__sms') }}

),

members as (

    select * from {{ ref('base_mailing__members') }}

),

-- a number that several members share names none of them
members_by_phone as (

    select
        right({{ digits_only('phone') }}, 9) as phone_key,
        min(source_customer_id) as source_customer_id
    from members
    where phone is not null
    group by right({{ digits_only('phone') }}, 9)
    having count(*) = 1

),

final as (

    select
        messages.phone_key,
        coalesce(
            max(members_by_phone.source_customer_id), {{ dbt.concat(["'tel:'", 'messages.phone_key']) }}
        ) as source_customer_id,
        max(members_by_phone.source_customer_id) is not null as is_member,
        max(messages.phone) as phone,
        min(messages.sent_at) as first_sent_at
    from messages
    left join members_by_phone on messages.phone_key = members_by_phone.phone_key
    group by messages.phone_key

)

select * from final
