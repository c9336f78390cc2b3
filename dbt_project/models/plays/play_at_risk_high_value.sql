{% set play = {
    "title": "High value at risk",
    "title_es": "Alto valor en riesgo",
    "line_of_business": "retail",
    "lifecycle_stage": "at_risk",
    "category": "Ciclo",
    "goal": "Keep the customers whose loss would cost most.",
    "kpi": "Net amount kept within 60 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"phone": "consent", "email": "soft_opt_in", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["phone", "email", "post"],
    "template": "at_risk_high_value",
    "offer_is_discount": true,
    "priority": 95,
    "cooldown_days": 60,
    "validity_days": 30,
    "prior_incremental_response_share": 0.06,
    "is_automatic": true,
} %}
{{ config(meta={"cadencia": {"play": play}}) }}

with

{# As likely lost as not. #}
{% set churn_risk_at_least = 0.5 %}
signals as (

    select * from {{ ref('int_plays__customer_signals') }}

),

candidates as (

    select
        customer_id,
        as_of_date as due_at,
        {{ sentence([
            "'One of the best customers (value score '", 'm_score', "' of 5), silent for '", 'recency_days',
            "' days instead of '", whole_days('median_interpurchase_days'), "'.'",
        ]) }} as reason,
        expected_order_value,
        'Personal voucher for the favourite category' as offer,
        favourite_category as recommended_category
    from signals
    where
        m_score >= 4
        and r_score <= 2
        and intervals >= 3
        and churn_risk >= {{ churn_risk_at_least }}

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer', 'recommended_category']) }}

)

select * from final
