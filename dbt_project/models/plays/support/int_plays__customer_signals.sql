{# Cycles of silence at which a customer is as likely lost as not, when no model says better. #}
{%- set silent_cycles_at_half_risk = 3 %}
{%- set own_rhythm %}
patterns.cycle_position / (patterns.cycle_position + {{ silent_cycles_at_half_risk }})
{%- endset %}

with

rfm as (

    select * from {{ ref('customer_rfm') }}

),

patterns as (

    select * from {{ ref('customer_purchase_patterns') }}

),

base_averages as (

    select * from {{ ref('base_averages') }}

),

predictions as (

    select * from {{ source('ml', 'customer_predictions') }}

),

legal_standing as (

    select * from {{ ref('int_customers__legal_standing') }}

),

current_predictions as (

    select * from predictions
    where as_of_date = {{ as_of_date() }}

),

final as (

    select
        rfm.customer_id,
        rfm.rfm_group,
        rfm.rfm_segment,
        rfm.rfm_cell,
        rfm.r_score,
        rfm.f_score,
        rfm.m_score,
        rfm.recency_days,
        rfm.lifetime_orders,
        patterns.intervals,
        patterns.median_interpurchase_days,
        patterns.regularity,
        patterns.cycle_position,
        patterns.due_at as cycle_due_at,
        patterns.favourite_department,
        patterns.favourite_category,
        patterns.favourite_channel,
        patterns.mean_ticket_amount,
        cast(patterns.first_purchase_at as date) as first_purchase_date,
        rfm.last_purchase_date,
        -- where the models abstain, the silence measured in own cycles stands in for them
        case
            when legal_standing.is_profiling_allowed then coalesce(current_predictions.churn_risk, {{ own_rhythm }})
        end as churn_risk,
        current_predictions.churn_risk is not null as is_predicted,
        cast(coalesce(
            current_predictions.expected_value,
            case when legal_standing.is_profiling_allowed then cast(patterns.mean_ticket_amount as double) end,
            cast(base_averages.mean_ticket_amount as double),
            0
        ) as double) as expected_order_value,
        legal_standing.is_profiling_allowed,
        {{ as_of_date() }} as as_of_date
    from rfm
    cross join base_averages
    inner join legal_standing on rfm.customer_id = legal_standing.customer_id
    left join patterns on rfm.customer_id = patterns.customer_id
    left join current_predictions on rfm.customer_id = current_predictions.customer_id
    where
        base_averages.rfm_group = 'all'
        -- the plays are about everyday purchases; who only ever bought a car makes none
        and coalesce(patterns.orders - patterns.durable_orders, 1) > 0

)

select * from final
