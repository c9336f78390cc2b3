with

source as (

    select * from {{ source('dms', 'warranties') }}

),

renamed as (

    select
        -- ids
        warranty_no as source_contract_id,
        vin as source_vehicle_id,

        -- strings
        kind as contract_name,

        -- dates
        starts_on,
        ends_on
    from source

)

select * from renamed
