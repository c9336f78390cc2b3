with

current_consents as (

    select * from {{ ref('int_consents__current') }}

),

final as (

    select
        customer_id,
        purpose,
        channel,
        status,
        is_granted,
        cast(events as bigint) as events,
        status_since,
        last_granted_at,
        last_withdrawn_at
    from current_consents

)

select * from final
