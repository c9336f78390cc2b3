with

suppressions as (

    select * from {{ ref('int_suppressions__unioned') }}

),

final as (

    select
        suppression_id,
        customer_id,
        source_system,
        channel,
        reason,
        identifier_kind,
        identifier_sha256,
        suppressed_at
    from suppressions

)

select * from final
