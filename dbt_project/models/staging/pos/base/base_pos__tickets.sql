with

source as (

    select * from {{ source('pos', 'tickets') }}

),

renamed as (

    select
        -- ids
        ticket_id as source_order_id,
        card_number as source_customer_id,
        store_code as source_store_id,
        original_ticket_id as original_source_order_id,

        -- strings
        till,
        payment_method,
        currency,

        -- numerics
        total as net_amount,

        -- booleans
        operation = 'refund' as is_return,

        -- times
        opened_at as ordered_at
    from source

)

select * from renamed
