with

order_lines as (

    select * from {{ ref('fct_order_lines') }}

),

checked as (

    {% for dimension, condition in [
        ('product', "product_id = 'unknown'"), ('customer', 'customer_id is null'), ('store', 'store_id is null'),
    ] %}
    select
        '{{ dimension }}' as dimension,
        source_system,
        net_amount,
        case when {{ condition }} then 1 else 0 end as is_unknown
    from order_lines
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

counted as (

    select
        dimension,
        source_system,
        count(*) as lines,
        sum(is_unknown) as unknown_lines,
        sum(net_amount) as net_amount,
        sum(case when is_unknown = 1 then net_amount else 0 end) as unknown_net_amount
    from checked
    group by dimension, source_system

),

final as (

    select
        dimension,
        source_system,
        cast(lines as bigint) as lines,
        cast(unknown_lines as bigint) as unknown_lines,
        unknown_lines / cast(lines as double) as unknown_line_share,
        cast(unknown_net_amount as decimal(18, 4)) as unknown_net_amount,
        cast(unknown_net_amount as double) / nullif(cast(net_amount as double), 0) as unknown_net_amount_share
    from counted

)

select * from final
