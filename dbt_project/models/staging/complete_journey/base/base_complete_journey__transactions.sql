with

source as (

    select * from {{ source('complete_journey', 'transactions') }}

),

renamed as (

    select
        -- ids
        household_id as source_customer_id,
        store_id as source_store_id,
        basket_id as source_order_id,
        product_id as source_product_id,

        -- numerics
        quantity,
        sales_value + retail_disc + coupon_match_disc as gross_amount,
        retail_disc + coupon_match_disc as discount_amount,
        sales_value as net_amount,
        coupon_disc as manufacturer_coupon_amount,

        -- booleans
        coupon_disc > 0 or coupon_match_disc > 0 as has_coupon,

        -- timestamps
        transaction_timestamp as ordered_at
    from source

)

select * from renamed
