{# Days of sales that say what sells now. #}
{%- set recent_days = 90 %}

with

order_lines as (

    select * from {{ ref('fct_order_lines') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

last_sale as (

    select max(ordered_on) as last_day from order_lines

),

sales as (

    select
        order_lines.product_id,
        count(distinct order_lines.customer_id) as customers,
        sum(order_lines.net_amount) as net_amount
    from order_lines
    cross join last_sale
    where
        order_lines.ordered_on > {{ add_days('last_sale.last_day', '-' ~ recent_days) }}
        and not order_lines.is_return
    group by order_lines.product_id

),

ranked as (

    select
        products.department,
        products.category,
        sales.product_id,
        row_number() over (
            partition by products.department, products.category
            order by sales.customers desc, sales.net_amount desc, sales.product_id
        ) as place
    from sales
    inner join products on sales.product_id = products.product_id
    where
        products.is_recommendable
        and products.category <> 'unknown'

),

final as (

    select
        department,
        category,
        {{ first_three('product_id', 'place') }} as product_ids
    from ranked
    where place <= 3
    group by department, category

)

select * from final
