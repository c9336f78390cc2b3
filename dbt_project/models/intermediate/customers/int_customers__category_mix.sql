with

order_lines as (

    select * from {{ ref('int_order_lines__unioned') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

by_category as (

    select
        order_lines.customer_id,
        products.department,
        products.category,
        -- a category is recommendable when some product of it is
        max(case when products.is_recommendable then 1 else 0 end) as recommendable_products,
        count(distinct order_lines.order_id) as orders,
        count(distinct order_lines.ordered_on) as purchase_days,
        sum(order_lines.net_amount) as net_amount,
        min(order_lines.ordered_on) as first_purchase_date,
        max(order_lines.ordered_on) as last_purchase_date
    from order_lines
    inner join products on order_lines.product_id = products.product_id
    where
        order_lines.customer_id is not null
        and not order_lines.is_return
        and order_lines.is_product_line
    group by order_lines.customer_id, products.department, products.category

),

final as (

    select
        customer_id,
        department,
        category,
        recommendable_products > 0 and category <> 'unknown' as is_recommendable,
        orders,
        purchase_days,
        cast(net_amount as decimal(18, 4)) as net_amount,
        cast(net_amount as double)
        / nullif(cast(sum(net_amount) over (partition by customer_id) as double), 0) as net_amount_share,
        row_number() over (
            partition by customer_id
            order by
                case when category = 'unknown' then 1 else 0 end,
                orders desc,
                net_amount desc,
                department,
                category
        ) as category_rank,
        first_purchase_date,
        last_purchase_date
    from by_category

)

select * from final
