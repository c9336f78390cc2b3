with

source as (

    select * from {{ source('complete_journey', 'demographics') }}

),

renamed as (

    select
        -- ids
        household_id as source_customer_id,

        -- strings
        age as age_band,
        income as income_band,
        household_size,
        household_comp as household_composition,
        home_ownership,
        marital_status,
        kids_count
    from source

)

select * from renamed
