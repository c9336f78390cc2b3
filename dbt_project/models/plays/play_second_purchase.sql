{% set play = {
    "title": "Second purchase",
    "title_es": "Segunda compra",
    "line_of_business": "retail",
    "lifecycle_stage": "first_time",
    "category": "Ciclo",
    "goal": "Turn a first-time customer into a recurrent one.",
    "kpi": "Share of first-time customers with a second purchase within 30 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"email": "soft_opt_in", "push": "consent", "sms": "soft_opt_in", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["email", "push", "sms", "post"],
    "template": "second_purchase",
    "offer_is_discount": true,
    "priority": 80,
    "cooldown_days": 45,
    "validity_days": 150,
    "prior_incremental_response_share": 0.05,
    "is_automatic": true,
} %}
{{ config(meta={"cadencia": {"play": play}}) }}

with

signals as (

    select * from {{ ref('int_plays__customer_signals') }}

),

candidates as (

    select
        customer_id,
        {{ add_days('last_purchase_date', 14) }} as due_at,
        {{ sentence([
            "'Bought once, '", 'recency_days',
            "' days ago; a second purchase decides whether a customer stays.'",
        ]) }} as reason,
        expected_order_value,
        '10 % off the second order' as offer,
        favourite_category as recommended_category
    from signals
    where rfm_group = 'first_time'

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer', 'recommended_category']) }}

)

select * from final
