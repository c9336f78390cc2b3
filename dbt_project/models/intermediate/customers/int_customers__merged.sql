with

golden_customers as (

    select * from {{ source('identity', 'golden_customers') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

-- all records of a customer are of one household
households as (

    select
        customer_id,
        min(household_id) as household_id
    from customer_keys
    group by customer_id

),

final as (

    select
        golden_customers.*,
        households.household_id,
        coalesce(golden_customers.mobile_phone, golden_customers.landline_phone) as phone
    from golden_customers
    left join households on golden_customers.customer_id = households.customer_id

)

select * from final
