{% set play = {
    "title": "A year with us",
    "title_es": "Un año con nosotros",
    "line_of_business": "retail",
    "lifecycle_stage": "active",
    "category": "Institucional",
    "goal": "Thank a customer on the anniversary of the first purchase.",
    "kpi": "Share active 60 days later.",
    "consent_purpose": "marketing",
    "legal_basis": {"email": "soft_opt_in", "push": "consent", "post": "legitimate_interest"},
    "uses_profiling": false,
    "channels": ["email", "push", "post"],
    "template": "purchase_anniversary",
    "offer_is_discount": false,
    "priority": 30,
    "cooldown_days": 300,
    "validity_days": 7,
    "prior_incremental_response_share": 0.01,
    "is_automatic": true,
} %}
{{ config(meta={"cadencia": {"play": play}}) }}

with

signals as (

    select * from {{ ref('int_plays__customer_signals') }}

),

boundaries as (

    select
        signals.*,
        {{ dbt.datediff('first_purchase_date', 'as_of_date', 'year') }} as calendar_years
    from signals
    where
        signals.recency_days <= 180
        and signals.lifetime_orders >= 3

),

counted as (

    select
        boundaries.*,
        -- before the day of the year comes, the last anniversary is that of the year before
        case
            when cast({{ dbt.dateadd('year', 'boundaries.calendar_years', 'boundaries.first_purchase_date') }} as date) > boundaries.as_of_date
                then boundaries.calendar_years - 1
            else boundaries.calendar_years
        end as years
    from boundaries

),

candidates as (

    select
        customer_id,
        cast({{ dbt.dateadd('year', 'years', 'first_purchase_date') }} as date) as due_at,
        {{ sentence(["'Customer for '", 'years', "case when years = 1 then ' year' else ' years' end", "', with '", 'lifetime_orders', "' orders.'"]) }} as reason,
        expected_order_value,
        'Thank-you card' as offer
    from counted
    where years >= 1

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer']) }}

)

select * from final
