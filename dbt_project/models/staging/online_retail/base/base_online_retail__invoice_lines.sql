with

source as (

    select * from {{ source('online_retail', 'invoice_lines') }}

),

renamed as (

    select
        -- ids
        upper(trim(invoice)) as source_order_id,
        -- the same product is written in capitals and not
        upper(trim(stock_code)) as source_product_id,
        -- spreadsheets turn the number into 13085.0
        replace(customer_id, '.0', '') as source_customer_id,

        -- strings
        -- some tools write an absent text as nan
        nullif(nullif(trim(description), ''), 'nan') as description,
        country,

        -- numerics
        quantity,
        price as unit_price,
        cast(quantity * price as decimal(18, 4)) as net_amount,

        -- booleans
        upper(trim(invoice)) like 'C%' as is_credit_note,
        upper(trim(invoice)) like 'A%' as is_adjustment,

        -- times
        invoiced_at as ordered_at,

        -- what stands in the line, all of it
        _row_hash as row_hash
    from source

)

select * from renamed
