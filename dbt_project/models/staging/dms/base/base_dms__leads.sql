with

source as (

    select * from {{ source('dms', 'leads') }}

),

renamed as (

    select
        -- ids
        lead_id as source_lead_id,
        customer_no as customer_number,
        coalesce(customer_no, {{ dbt.concat(["'lead:'", 'lead_id']) }}) as source_customer_id,
        dealer_code as source_store_id,

        -- strings
        first_name as given_name,
        last_name as surnames,
        email,
        phone,
        postal_code,
        source as lead_source,
        model_interest,
        status,
        lost_reason,

        -- timestamps
        created_at,
        closed_at,
        updated_at
    from source

)

select * from renamed
