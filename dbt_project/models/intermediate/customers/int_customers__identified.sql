{# A view: what it reads is a table with the same columns. #}
{{ config(materialized="view") }}

with

customer_ids as (

    select * from {{ source('identity', 'customer_ids') }}

),

final as (

    select
        source_system,
        source_customer_id,
        customer_id,
        household_id,
        match_probability,
        match_reason,
        valid_from,
        first_seen_at
    from customer_ids

)

select * from final
