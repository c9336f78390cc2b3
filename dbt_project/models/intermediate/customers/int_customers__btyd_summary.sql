with

purchase_days as (

    select * from {{ ref('int_customers__purchase_days') }}

),

summary as (

    {{ btyd_summary('purchase_days', end_date=as_of_date()) }}

),

final as (

    select * from summary

)

select * from final
