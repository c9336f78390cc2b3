with

source as (

    select * from {{ source('dms', 'workshop_visits') }}

),

renamed as (

    select
        -- ids
        visit_no as source_visit_id,
        {{ dbt.concat(["'workshop:'", 'visit_no']) }} as source_order_id,
        customer_no as source_customer_id,
        vin as source_vehicle_id,
        dealer_code as source_store_id,

        -- strings
        kind as visit_type,

        -- numerics
        odometer_km,
        labour_amount,
        parts_amount,
        net_amount,

        -- timestamps
        opened_at,
        closed_at
    from source

)

select * from renamed
