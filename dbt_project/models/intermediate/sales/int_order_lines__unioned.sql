{# A view: the fact table is its one full copy, and writing 1.5 M lines twice costs more than reading them thrice. #}
{{ config(materialized="view") }}

with

order_lines as (

    {{ union_enabled('order_lines') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

customers as (

    select * from {{ ref('int_customers__unioned') }}

),

keyed as (

    select
        order_lines.*,
        {{ prefixed_id('order_lines.source_system', 'order_lines.source_order_id') }} as order_id,
        {{ prefixed_id('order_lines.source_system', 'order_lines.source_product_id') }} as product_id
    from order_lines
    -- the as-of cut
    where order_lines.ordered_at < {{ as_of_date() }}

),

final as (

    select
        {{ dbt.concat(['keyed.order_id', "'-'", 'keyed.source_line_id']) }} as order_line_id,
        keyed.order_id,
        -- looked up, not computed again for each of millions of lines; NULL for a guest
        customers.customer_id,
        {{ prefixed_id('keyed.source_system', 'keyed.source_store_id') }} as store_id,
        -- a product that the source never described
        coalesce(products.product_id, 'unknown') as product_id,
        keyed.source_system,
        keyed.source_product_id,
        keyed.channel,
        keyed.quantity,
        keyed.gross_amount,
        keyed.discount_amount,
        keyed.net_amount,
        keyed.manufacturer_coupon_amount,
        keyed.is_return,
        cast(keyed.ordered_at as date) as ordered_on,
        keyed.ordered_at
    from keyed
    left join products on keyed.product_id = products.product_id
    left join customers
        on
            keyed.source_system = customers.source_system
            and keyed.source_customer_id = customers.source_customer_id

)

select * from final
