with

source as (

    select * from {{ source('dms', 'vehicle_orders') }}

),

renamed as (

    select
        -- ids
        order_no as source_vehicle_order_id,
        {{ dbt.concat(["'vehicle:'", 'order_no']) }} as source_order_id,
        customer_no as source_customer_id,
        vin as source_vehicle_id,
        dealer_code as source_store_id,
        lead_id as source_lead_id,

        -- strings
        kind as vehicle_kind,
        status,

        -- numerics
        list_price as list_amount,
        list_price - net_price as discount_amount,
        net_price as net_amount,

        -- timestamps
        ordered_at,
        delivered_at,
        updated_at
    from source

)

select * from renamed
