with

consents as (

    select * from {{ ref('int_consents__unioned') }}

),

final as (

    select
        consent_id,
        customer_id,
        source_system,
        purpose,
        channel,
        status,
        proof,
        policy_version,
        recorded_at
    from consents

)

select * from final
