with

customers as (

    select * from {{ ref('int_customers__unioned') }}

),

final as (

    select
        source_system,
        source_customer_id,
        customer_id,
        cast(1.0 as double) as match_probability,
        'same source key' as match_reason,
        first_seen_at as valid_from,
        cast(null as {{ dbt.type_timestamp() }}) as valid_to
    from customers

)

select * from final
