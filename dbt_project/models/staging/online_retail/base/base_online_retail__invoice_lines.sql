{# Lines of an invoice stand together in a sheet; further apart than this they are those of another sheet. #}
{%- set widest_gap = 1000 %}
{# A table: every entity of the system is derived from it, and its windows cost more than its reading. #}
{{ config(materialized="table") }}

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

        -- strings; some tools write an absent text as nan
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

        -- what stands in the line, all of it, and where
        _row_hash as row_hash,
        _source_file as source_file,
        _row_number as row_number_in_file
    from source

),

stepped as (

    select
        *,
        row_number_in_file - lag(row_number_in_file) over (
            partition by source_file, source_order_id
            order by row_number_in_file
        ) as gap
    from renamed

),

placed as (

    select
        *,
        sum(case when gap > {{ widest_gap }} then 1 else 0 end) over (
            partition by source_file, source_order_id
            order by row_number_in_file
            rows unbounded preceding
        ) as sheet_place
    from stepped

),

counted as (

    select
        *,
        row_number() over (
            partition by source_file, source_order_id, row_hash, sheet_place
            order by row_number_in_file
        ) as copy_in_sheet
    from placed

),

-- the sheets of the workbook overlap by some days: a line counts as often as the sheet with most of it says
ranked as (

    select
        *,
        row_number() over (
            partition by source_file, source_order_id, row_hash, copy_in_sheet
            order by row_number_in_file
        ) as sheet_rank
    from counted

),

final as (

    select
        source_order_id,
        source_product_id,
        source_customer_id,
        description,
        country,
        quantity,
        unit_price,
        net_amount,
        is_credit_note,
        is_adjustment,
        ordered_at,
        row_hash
    from ranked
    where sheet_rank = 1

)

select * from final
