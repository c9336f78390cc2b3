with

offers as (

    select * from {{ ref('int_offers__unioned') }}

),

products as (

    select * from {{ ref('dim_products') }}

),

final as (

    select
        offers.campaign_id,
        offers.offer_id,
        coalesce(products.product_id, 'unknown') as product_id,
        offers.product_id as offered_product_id,
        offers.source_system,
        coalesce(products.department, 'unknown') as department,
        coalesce(products.category, 'unknown') as category
    from offers
    left join products on offers.product_id = products.product_id

)

select * from final
