with

source as (

    select * from {{ source('pos', 'ticket_lines') }}

),

signed as (

    select
        *,
        -- some tills write what comes back with a sign and some without
        case when operation = 'refund' then -1 else 1 end as direction
    from source

),

renamed as (

    select
        -- ids
        ticket_id as source_order_id,
        cast(line_number as {{ dbt.type_string() }}) as source_line_id,
        card_number as source_customer_id,
        store_code as source_store_id,
        sku as source_product_id,

        -- strings
        currency,

        -- numerics
        case when operation = 'refund' then -abs(quantity) else quantity end as quantity,
        case when operation = 'refund' then -abs(amount) else amount end
        + direction * abs(discount) as gross_amount,
        direction * abs(discount) as discount_amount,
        case when operation = 'refund' then -abs(amount) else amount end as net_amount,

        -- booleans
        operation = 'refund' as is_return,

        -- times
        opened_at as ordered_at
    from signed

)

select * from renamed
