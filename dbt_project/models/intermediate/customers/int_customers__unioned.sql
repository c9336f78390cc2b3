with

customers as (

    {{ union_enabled('customers') }}

),

final as (

    select
        {{ customer_id('customers.source_system', 'customers.source_customer_id') }} as customer_id,
        customers.*
    from customers
    -- the as-of cut
    where customers.first_seen_at < {{ as_of_date() }}

)

select * from final
