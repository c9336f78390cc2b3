with

orders as (

    select * from {{ ref('int_orders__unioned') }}

),

messages as (

    select * from {{ ref('int_messages__unioned') }}

),

event_days as (

    select min(ordered_on) as first_day from orders
    union all
    select min(cast(sent_at as date)) as first_day from messages
    union all
    -- without any event the calendar still covers the year of the run
    select {{ as_of_date() }} as first_day

),

bounds as (

    select
        cast({{ dbt.date_trunc('year', 'min(event_days.first_day)') }} as date) as first_day,
        {{ add_days(dbt.dateadd('year', 1, dbt.date_trunc('year', as_of_date())), -1) }} as last_day
    from event_days

),

spine as (

    {{ day_spine('(select bounds.first_day from bounds)', '(select bounds.last_day from bounds)') }}

),

final as (

    select
        date_day,
        cast(extract(year from date_day) as integer) as calendar_year,
        cast(extract(quarter from date_day) as integer) as calendar_quarter,
        cast(extract(month from date_day) as integer) as calendar_month,
        cast(extract(day from date_day) as integer) as day_of_month,
        {{ iso_weekday('date_day') }} as weekday,
        cast(extract(week from date_day) as integer) as iso_week,
        cast({{ dbt.date_trunc('week', 'date_day') }} as date) as week_starts_on,
        cast({{ dbt.date_trunc('month', 'date_day') }} as date) as month_starts_on,
        {{ iso_weekday('date_day') }} >= 6 as is_weekend,
        date_day < {{ as_of_date() }} as is_observed
    from spine

)

select * from final
