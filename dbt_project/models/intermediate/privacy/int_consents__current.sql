{#
  The strictest record decides: what any source of any merged record has withdrawn stays forbidden, whatever
  another says and when (docs/adr: strictest wins). Only the source that holds the withdrawal can undo it.
#}

with

records as (

    select * from {{ ref('int_consents__by_record') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, purpose, channel
            order by
                case status
                    when 'withdrawn' then 1
                    when 'granted' then 2
                    when 'pending' then 3
                    else 4
                end,
                decided_at desc nulls first,
                source_system,
                deciding_consent_id
        ) as place
    from records

),

totals as (

    select
        customer_id,
        purpose,
        channel,
        max(case when status = 'granted' then decided_at end) as last_granted_at,
        max(case when status = 'withdrawn' then decided_at end) as last_withdrawn_at,
        count(*) as records,
        sum(events) as events
    from records
    group by customer_id, purpose, channel

),

final as (

    select
        ranked.customer_id,
        ranked.purpose,
        ranked.channel,
        ranked.status,
        ranked.status = 'granted' as is_granted,
        ranked.source_system as deciding_source_system,
        ranked.deciding_consent_id,
        ranked.decided_at,
        totals.last_granted_at,
        totals.last_withdrawn_at,
        totals.records,
        totals.events
    from ranked
    inner join totals
        on
            ranked.customer_id = totals.customer_id
            and ranked.purpose = totals.purpose
            and ranked.channel = totals.channel
    where ranked.place = 1

)

select * from final
