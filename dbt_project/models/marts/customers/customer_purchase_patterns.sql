{# With fewer gaps than this a median says little, so nothing is due and no regularity is given. #}
{%- set least_intervals = 3 %}

with

orders as (

    select * from {{ ref('fct_orders') }}

),

purchase_days as (

    select * from {{ ref('int_customers__purchase_days') }}

),

intervals as (

    select * from {{ ref('int_customers__intervals') }}

),

category_mix as (

    select * from {{ ref('int_customers__category_mix') }}

),

purchases as (

    select
        orders.*,
        {{ iso_weekday('orders.ordered_on') }} as weekday,
        orders.ordered_hour as purchase_hour
    from orders
    where
        orders.customer_id is not null
        and orders.is_purchase

),

totals as (

    select
        customer_id,
        count(*) as orders,
        sum(net_amount) as net_amount,
        sum(case when is_durable then 1 else 0 end) as durable_orders,
        sum(case when is_durable then net_amount else 0 end) as durable_net_amount,
        cast(avg(case when not is_durable then net_amount end) as decimal(18, 4)) as mean_ticket_amount,
        cast(median(case when not is_durable then net_amount end) as decimal(18, 4)) as median_ticket_amount,
        min(ordered_at) as first_purchase_at,
        max(ordered_at) as last_purchase_at,
        max(ordered_on) as last_purchase_on
    from purchases
    group by customer_id

),

days as (

    select
        customer_id,
        count(*) as purchase_days,
        max(purchase_date) as last_purchase_date
    from purchase_days
    group by customer_id

),

gaps as (

    select
        customer_id,
        count(*) as intervals,
        avg(interpurchase_days) as mean_interpurchase_days,
        median(interpurchase_days) as median_interpurchase_days,
        -- from whole sums, so that the order of the rows cannot change a digit
        cast(
            count(*) * sum(interpurchase_days * interpurchase_days)
            - sum(interpurchase_days) * sum(interpurchase_days) as double
        )
        / nullif(cast(count(*) * (count(*) - 1) as double), 0) as variance_interpurchase_days
    from intervals
    group by customer_id

),

{% for favourite, expression in [
    ('store', 'store_id'), ('channel', 'channel'), ('weekday', 'weekday'), ('hour', 'purchase_hour'),
] %}
{{ favourite }}_counts as (

    select
        customer_id,
        {{ expression }} as favourite,
        row_number() over (
            partition by customer_id
            order by count(*) desc, sum(net_amount) desc, {{ expression }}
        ) as place
    from purchases
    where {{ expression }} is not null
    group by customer_id, {{ expression }}

),

{% endfor %}
measured as (

    select
        totals.*,
        coalesce(days.purchase_days, 0) as purchase_days,
        days.last_purchase_date,
        coalesce(gaps.intervals, 0) as intervals,
        gaps.mean_interpurchase_days,
        gaps.median_interpurchase_days,
        case
            when gaps.intervals >= {{ least_intervals }}
                then
                    gaps.mean_interpurchase_days * gaps.mean_interpurchase_days
                    / nullif(gaps.variance_interpurchase_days, 0)
        end as regularity,
        case
            when gaps.intervals >= {{ least_intervals }} then gaps.median_interpurchase_days
        end as own_cycle_days,
        {{ days_between('totals.last_purchase_on', as_of_date()) }} - 1 as days_since_last_purchase,
        {{ days_between('days.last_purchase_date', as_of_date()) }} - 1 as silent_days
    from totals
    left join days on totals.customer_id = days.customer_id
    left join gaps on totals.customer_id = gaps.customer_id

),

final as (

    select
        measured.customer_id,
        cast(measured.orders as bigint) as orders,
        cast(measured.purchase_days as bigint) as purchase_days,
        cast(measured.intervals as bigint) as intervals,
        cast(measured.net_amount as decimal(18, 4)) as net_amount,
        cast(measured.durable_orders as bigint) as durable_orders,
        cast(measured.durable_net_amount as decimal(18, 4)) as durable_net_amount,
        measured.mean_ticket_amount,
        measured.median_ticket_amount,
        cast(measured.mean_interpurchase_days as double) as mean_interpurchase_days,
        cast(measured.median_interpurchase_days as double) as median_interpurchase_days,
        cast(measured.regularity as double) as regularity,
        cast(measured.days_since_last_purchase as bigint) as days_since_last_purchase,
        cast(measured.silent_days / nullif(measured.own_cycle_days, 0) as double) as cycle_position,
        nullif(category_mix.department, 'unknown') as favourite_department,
        nullif(category_mix.category, 'unknown') as favourite_category,
        store_counts.favourite as favourite_store_id,
        channel_counts.favourite as favourite_channel,
        weekday_counts.favourite as favourite_weekday,
        hour_counts.favourite as favourite_hour,
        {{ add_days('measured.last_purchase_date', 'cast(round(measured.own_cycle_days) as integer)') }} as due_at,
        measured.first_purchase_at,
        measured.last_purchase_at
    from measured
    left join category_mix
        on
            measured.customer_id = category_mix.customer_id
            and category_mix.category_rank = 1
    {%- for favourite in ['store', 'channel', 'weekday', 'hour'] %}
    left join {{ favourite }}_counts
        on
            measured.customer_id = {{ favourite }}_counts.customer_id
            and {{ favourite }}_counts.place = 1
    {%- endfor %}

)

select * from final
