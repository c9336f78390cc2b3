{# A view: the normaliser reads it once and keeps what it made of it. #}
{{ config(materialized="view") }}

with

customers as (

    {{ union_enabled('customers') }}

),

final as (

    select
        customers.*,
        -- tells a changed record from one that was normalised before
        {{ record_hash(canonical_columns('customers') | map(attribute='name') | list, 'customers') }} as record_hash
    from customers
    -- the as-of cut
    where customers.first_seen_at < {{ as_of_date() }}

)

select * from final
