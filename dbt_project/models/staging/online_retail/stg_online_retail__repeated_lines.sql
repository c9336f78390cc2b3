with

invoice_lines as (

    select * from {{ ref('base_online_retail__invoice_lines') }}

),

equal_lines as (

    select
        row_hash,
        count(*) as lines,
        min(net_amount) as net_amount
    from invoice_lines
    group by row_hash

),

final as (

    select
        'invoice_lines' as table_name,
        sum(lines) as lines,
        sum(lines - 1) as repeated_lines,
        sum((lines - 1) * net_amount) as repeated_net_amount
    from equal_lines

)

select * from final
