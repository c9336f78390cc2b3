with

source as (

    select * from {{ source('steward', 'decisions') }}

),

renamed as (

    select
        -- ids
        {{ record_id('trim(source_system_1)', 'trim(source_customer_id_1)') }} as record_id_1,
        {{ record_id("nullif(trim(source_system_2), '')", "nullif(trim(source_customer_id_2), '')") }}
            as record_id_2,

        -- strings
        lower(trim(decision)) as decision,
        _source_file as source_file,

        -- numerics
        _row_number as row_number,

        -- timestamps
        decided_at
    from source

)

select * from renamed
