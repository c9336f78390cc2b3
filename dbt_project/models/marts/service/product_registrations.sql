with

registrations as (

    select * from {{ ref('int_product_registrations__unioned') }}

),

order_lines as (

    select * from {{ ref('int_order_lines__unioned') }}

),

-- whether the group sold it itself: a purchase by the same customer up to a week around the day they name
own_sales as (

    select
        registrations.registration_id,
        min(order_lines.order_id) as order_id
    from registrations
    inner join order_lines
        on
            registrations.customer_id = order_lines.customer_id
            and registrations.product_id = order_lines.product_id
            and order_lines.ordered_on between {{ add_days('registrations.purchased_on', -7) }}
            and {{ add_days('registrations.purchased_on', 7) }}
    where not order_lines.is_return
    group by registrations.registration_id

),

final as (

    select
        registrations.registration_id,
        registrations.customer_id,
        registrations.product_id,
        own_sales.order_id,
        registrations.source_system,
        registrations.serial_number,
        registrations.store_name,
        own_sales.order_id is null as is_bought_elsewhere,
        registrations.purchased_on,
        registrations.registered_at
    from registrations
    left join own_sales on registrations.registration_id = own_sales.registration_id

)

select * from final
