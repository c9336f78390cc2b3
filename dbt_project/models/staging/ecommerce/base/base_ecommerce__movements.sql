with

sale_lines as (

    select * from {{ ref('base_ecommerce__sale_lines') }}

),

orders as (

    select * from {{ ref('base_ecommerce__orders') }}

),

joined as (

    select
        sale_lines.*,
        orders.source_customer_id,
        orders.currency,
        orders.refunded_amount,
        orders.ordered_at,
        orders.refunded_at,
        sum(sale_lines.net_amount) over (partition by sale_lines.source_order_id) as order_net_amount,
        -- a partial refund of exactly one line's amount took that line back
        row_number() over (
            partition by sale_lines.source_order_id
            order by
                case when sale_lines.net_amount = orders.refunded_amount then 0 else 1 end,
                sale_lines.source_product_id
        ) as refund_place,
        max(case when sale_lines.net_amount = orders.refunded_amount then 1 else 0 end) over (
            partition by sale_lines.source_order_id
        ) as lines_of_that_amount
    from sale_lines
    inner join orders on sale_lines.source_order_id = orders.source_order_id

),

refunds as (

    select
        *,
        refunded_amount >= order_net_amount as is_whole,
        lines_of_that_amount = 1 and refunded_amount < order_net_amount as is_one_line,
        -- what is neither the whole order nor one line is spread over the lines by value
        case
            when refunded_amount >= order_net_amount or lines_of_that_amount = 1 then net_amount
            else
                cast(round(
                    cast(refunded_amount as double) * cast(net_amount as double)
                    / nullif(cast(order_net_amount as double), 0), 4
                ) as decimal(18, 4))
        end as returned_amount
    from joined
    where refunded_amount > 0

),

final as (

    select
        source_order_id,
        source_order_id as sale_order_id,
        source_product_id,
        source_customer_id,
        currency,
        quantity,
        gross_amount,
        discount_amount,
        net_amount,
        false as is_return,
        ordered_at
    from joined
    union all
    select
        {{ dbt.concat(["source_order_id", "'-refund'"]) }} as source_order_id,
        source_order_id as sale_order_id,
        source_product_id,
        source_customer_id,
        currency,
        case when is_whole or is_one_line then -quantity else 0 end as quantity,
        case when is_whole or is_one_line then -gross_amount else -returned_amount end as gross_amount,
        case when is_whole or is_one_line then -discount_amount else 0 end as discount_amount,
        -returned_amount as net_amount,
        true as is_return,
        refunded_at as ordered_at
    from refunds
    where
        not is_one_line
        or refund_place = 1

)

select * from final
