{# A view: the fact table is its one full copy, and writing 1.5 M lines twice costs more than reading them thrice. #}
{{ config(materialized="view") }}

with

order_lines as (

    {{ union_enabled('order_lines') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

stores as (

    select * from {{ ref('int_stores__unioned') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

keyed as (

    select
        order_lines.*,
        {{ prefixed_id('order_lines.source_system', 'order_lines.source_order_id') }} as order_id,
        -- the day on the clock of the shop
        {{ source_local_time('order_lines.ordered_at', 'order_lines.source_system') }} as local_ordered_at
    from order_lines

),

final as (

    select
        {{ dbt.concat(['keyed.order_id', "'-'", 'keyed.source_line_id']) }} as order_line_id,
        keyed.order_id,
        -- NULL for a guest
        customer_keys.customer_id,
        -- NULL for a store that the source never described
        stores.store_id,
        -- a product that the source never described
        coalesce(products.product_id, 'unknown') as product_id,
        keyed.source_system,
        keyed.source_product_id,
        keyed.channel,
        coalesce(keyed.currency, {{ reporting_currency() }}) as currency,
        keyed.quantity,
        keyed.gross_amount,
        keyed.discount_amount,
        keyed.net_amount,
        keyed.manufacturer_coupon_amount,
        -- postage, fees and the like are no goods; the undescribed is taken for goods
        coalesce(products.product_kind, 'product') = 'product' as is_product_line,
        keyed.is_return,
        cast(keyed.local_ordered_at as date) as ordered_on,
        keyed.ordered_at
    from keyed
    left join products
        on
            keyed.product_source_system = products.source_system
            and keyed.source_product_id = products.source_product_id
    left join stores
        on
            keyed.store_source_system = stores.source_system
            and keyed.source_store_id = stores.source_store_id
    {{ join_customer_keys('keyed') }}
    -- the as-of cut
    where keyed.local_ordered_at < {{ as_of_date() }}

)

select * from final
