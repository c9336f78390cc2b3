with

customer_keys as (

    select * from {{ ref('int_customers__key_linked') }}

),

final as (

    select
        source_system,
        source_customer_id,
        customer_id,
        match_probability,
        match_reason,
        first_seen_at as valid_from,
        cast(null as {{ dbt.type_timestamp() }}) as valid_to
    from customer_keys

)

select * from final
