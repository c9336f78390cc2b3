with

order_lines as (

    select * from {{ ref('base_ecommerce__order_lines') }}

),

orders as (

    select * from {{ ref('base_ecommerce__orders') }}

),

priced as (

    select
        orders.source_order_id,
        order_lines.source_product_id,
        order_lines.quantity,
        cast(order_lines.quantity * order_lines.unit_price as decimal(18, 4)) as gross_amount,
        cast(order_lines.line_discount_amount as decimal(18, 4)) as line_discount_amount,
        orders.subtotal
    from order_lines
    inner join orders on order_lines.source_order_id = orders.source_order_id

),

-- the discount of the whole order is what the subtotal lacks against the lines
weighed as (

    select
        *,
        sum(gross_amount) over (partition by source_order_id) as order_gross_amount,
        coalesce(
            sum(gross_amount) over (partition by source_order_id) - subtotal,
            sum(line_discount_amount) over (partition by source_order_id)
        ) as order_discount_amount,
        row_number() over (
            partition by source_order_id
            order by gross_amount desc, source_product_id
        ) as place
    from priced

),

shared as (

    select
        *,
        -- in whole cents by value; the line of most value takes the rest below
        cast(round(
            cast(order_discount_amount as double) * cast(gross_amount as double)
            / nullif(cast(order_gross_amount as double), 0), 2
        ) as decimal(18, 4)) as discount_share_amount
    from weighed

),

settled as (

    select
        source_order_id,
        source_product_id,
        quantity,
        gross_amount,
        case
            when place = 1
                then
                    order_discount_amount
                    - (sum(coalesce(discount_share_amount, 0)) over (partition by source_order_id) - coalesce(discount_share_amount, 0))
            else coalesce(discount_share_amount, 0)
        end as discount_amount
    from shared

),

postage as (

    select
        source_order_id,
        'shipping' as source_product_id,
        1 as quantity,
        cast(shipping as decimal(18, 4)) as gross_amount,
        cast(0 as decimal(18, 4)) as discount_amount
    from orders
    where shipping > 0

),

final as (

    select * from settled
    union all
    select * from postage

)

select
    *,
    gross_amount - discount_amount as net_amount
from final
