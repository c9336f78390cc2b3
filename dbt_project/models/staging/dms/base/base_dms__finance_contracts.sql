with

source as (

    select * from {{ source('dms', 'finance_contracts') }}

),

renamed as (

    select
        -- ids
        contract_no as source_contract_id,
        customer_no as source_customer_id,
        vin as source_vehicle_id,

        -- strings
        product as contract_name,
        status,

        -- numerics
        monthly_amount,
        balloon_amount,

        -- dates
        starts_on,
        ends_on
    from source

)

select * from renamed
