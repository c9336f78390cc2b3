with

product_registrations as (

    {{ union_enabled('product_registrations') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('product_registrations.source_system', 'product_registrations.source_registration_id') }} as registration_id,
        case when product_registrations.source_product_id is not null then coalesce(products.product_id, 'unknown') end as product_id,
        customer_keys.customer_id,
        product_registrations.source_system,
        product_registrations.serial_number,
        product_registrations.store_name,
        product_registrations.purchased_on,
        product_registrations.registered_at
    from product_registrations
    cross join settings
    {{ join_customer_keys('product_registrations', 'customer_source_system') }}
    left join products
        on
            product_registrations.product_source_system = products.source_system
            and product_registrations.source_product_id = products.source_product_id
    -- the as-of cut
    where {{ is_known('product_registrations.registered_at', 'product_registrations.source_system') }}

)

select * from final
