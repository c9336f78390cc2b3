{#
  The newest event decides, with three rules: a withdrawal at the same time as a grant wins; a sign-up that
  waits for its confirmation takes back nothing that was granted before; a box left empty (declined) says
  nothing about what was answered elsewhere.
#}

with

consents as (

    select * from {{ ref('int_consents__unioned') }}

),

last_events as (

    select
        customer_id,
        purpose,
        channel,
        max(case when status = 'granted' then recorded_at end) as granted_at,
        max(case when status = 'withdrawn' then recorded_at end) as withdrawn_at,
        max(case when status = 'pending' then recorded_at end) as pending_at,
        max(case when status = 'declined' then recorded_at end) as declined_at,
        count(*) as events
    from consents
    where customer_id is not null
    group by customer_id, purpose, channel

),

decided as (

    select
        *,
        case
            when granted_at is not null and coalesce(granted_at > withdrawn_at, true) then 'granted'
            when withdrawn_at is not null and coalesce(pending_at <= withdrawn_at, true) then 'withdrawn'
            when pending_at is not null then 'pending'
            else 'declined'
        end as status
    from last_events

),

final as (

    select
        decided.customer_id,
        decided.purpose,
        decided.channel,
        decided.status,
        decided.status = 'granted' as is_granted,
        case decided.status
            when 'granted' then decided.granted_at
            when 'withdrawn' then decided.withdrawn_at
            when 'pending' then decided.pending_at
            else decided.declined_at
        end as status_since,
        decided.granted_at as last_granted_at,
        decided.withdrawn_at as last_withdrawn_at,
        decided.events
    from decided

)

select * from final
