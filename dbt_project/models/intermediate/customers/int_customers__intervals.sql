with

purchase_days as (

    select * from {{ ref('int_customers__purchase_days') }}

),

with_previous as (

    select
        customer_id,
        purchase_date,
        lag(purchase_date) over (partition by customer_id order by purchase_date) as previous_purchase_date
    from purchase_days

),

final as (

    select
        customer_id,
        previous_purchase_date,
        purchase_date,
        {{ days_between('previous_purchase_date', 'purchase_date') }} as interpurchase_days
    from with_previous
    where previous_purchase_date is not null

)

select * from final
