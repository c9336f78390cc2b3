with

purchase_days as (

    select * from {{ ref('int_customers__purchase_days') }}

),

span as (

    select {{ days_between('min(purchase_date)', as_of_date()) }} as span_days
    from purchase_days

),

-- the second half of what was observed is the holdout
split as (

    select
        cast(floor(span_days / 2.0) as integer) as holdout_days,
        {{ add_days(as_of_date(), '-cast(floor(span_days / 2.0) as integer)') }} as calibration_end
    from span

),

calibration as (

    {{ btyd_summary('purchase_days', end_date='(select split.calibration_end from split)') }}

),

holdout as (

    select
        purchase_days.customer_id,
        count(*) as holdout_purchases,
        sum(purchase_days.net_amount) as holdout_value
    from purchase_days
    cross join split
    where purchase_days.purchase_date >= split.calibration_end
    group by purchase_days.customer_id

),

final as (

    select
        calibration.customer_id,
        calibration.repeat_frequency,
        calibration.age_at_last_purchase_days,
        calibration.t_days,
        calibration.repeat_monetary_value,
        cast(split.holdout_days as bigint) as holdout_days,
        coalesce(holdout.holdout_purchases, 0) as holdout_purchases,
        cast(coalesce(holdout.holdout_value, 0) as double) as holdout_value
    from calibration
    cross join split
    left join holdout on calibration.customer_id = holdout.customer_id

)

select * from final
