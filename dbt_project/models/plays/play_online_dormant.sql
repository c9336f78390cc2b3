{% set play = {
    "title": "Online customer gone quiet",
    "title_es": "Cliente online dormido",
    "line_of_business": "retail",
    "lifecycle_stage": "cooling",
    "category": "Online",
    "goal": "Bring quiet customers of the web shop back to it.",
    "kpi": "Visits and orders within 30 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"email": "soft_opt_in", "push": "consent"},
    "uses_profiling": true,
    "channels": ["email", "push"],
    "template": "online_dormant",
    "offer_is_discount": false,
    "priority": 45,
    "cooldown_days": 60,
    "validity_days": 30,
    "prior_incremental_response_share": 0.02,
    "is_automatic": true,
} %}
{{ config(meta={"cadencia": {"play": play}}) }}

with

{# Nine in ten lost: what a message costs is better spent elsewhere. #}
{% set churn_risk_at_most = 0.9 %}
signals as (

    select * from {{ ref('int_plays__customer_signals') }}

),

candidates as (

    select
        customer_id,
        as_of_date as due_at,
        {{ sentence([
            "'Customer of the web shop with '", 'lifetime_orders', "' orders, the last one '",
            'recency_days', "' days ago.'",
        ]) }} as reason,
        expected_order_value,
        'News since the last visit' as offer,
        favourite_category as recommended_category
    from signals
    where
        favourite_channel = 'online'
        and lifetime_orders >= 2
        and recency_days between 90 and 365
        and coalesce(churn_risk, 0) <= {{ churn_risk_at_most }}

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer', 'recommended_category']) }}

)

select * from final
