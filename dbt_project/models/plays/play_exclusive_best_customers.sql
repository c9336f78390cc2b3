{% set play = {
    "title": "Exclusive for the best",
    "title_es": "Exclusivo para los mejores",
    "line_of_business": "retail",
    "lifecycle_stage": "loyal",
    "category": "Institucional",
    "goal": "Let the best customers feel that they are; never by price.",
    "kpi": "Share that keeps cell 555 after 90 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"email": "soft_opt_in", "phone": "consent", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["email", "phone", "post"],
    "template": "exclusive_best_customers",
    "offer_is_discount": false,
    "priority": 75,
    "cooldown_days": 90,
    "validity_days": 30,
    "prior_incremental_response_share": 0.02,
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
        as_of_date as due_at,
        {{ sentence([
            "'Best in recency, frequency and value (cell 555), '", 'lifetime_orders',
            "' orders so far.'",
        ]) }} as reason,
        expected_order_value,
        'Invitation to a preview before everybody else' as offer,
        favourite_category as recommended_category
    from signals
    where rfm_cell = '555'

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer', 'recommended_category']) }}

)

select * from final
