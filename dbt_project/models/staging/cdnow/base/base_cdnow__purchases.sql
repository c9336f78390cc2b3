with

source as (

    select * from {{ source('cdnow', 'purchases') }}

),

renamed as (

    select
        -- ids
        cast(_row_number as {{ dbt.type_string() }}) as source_order_id,
        customer_id as source_customer_id,

        -- numerics
        cds as quantity,
        dollars as net_amount,

        -- timestamps
        cast(purchase_date as {{ dbt.type_timestamp() }}) as ordered_at
    from source

)

select * from renamed
