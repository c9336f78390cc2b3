{% set play = {
    "title": "Due by own cycle",
    "title_es": "Toca por su ciclo",
    "line_of_business": "retail",
    "lifecycle_stage": "active",
    "category": "Ciclo",
    "goal": "Be there on the day on which the customer usually buys.",
    "kpi": "Purchases within 14 days of the due date.",
    "consent_purpose": "marketing",
    "legal_basis": {"push": "consent", "email": "soft_opt_in", "sms": "soft_opt_in", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["push", "email", "sms", "post"],
    "template": "due_by_own_cycle",
    "offer_is_discount": false,
    "priority": 60,
    "cooldown_days": 21,
    "validity_days": 14,
    "prior_incremental_response_share": 0.03,
    "is_automatic": true,
} %}
{{ config(meta={"cadencia": {"play": play}}) }}

with

{# A shorter cycle needs no reminder: the customer is back before it arrives. #}
{% set shortest_cycle_days = 7 %}
signals as (

    select * from {{ ref('int_plays__customer_signals') }}

),

candidates as (

    select
        customer_id,
        cycle_due_at as due_at,
        {{ sentence([
            "'Buys every '", whole_days('median_interpurchase_days'),
            "' days; the last purchase was '", 'recency_days', "' days ago.'",
        ]) }} as reason,
        expected_order_value,
        favourite_category as recommended_category
    from signals
    where
        intervals >= 5
        -- less regular than chance would be (1), a due date means nothing
        and regularity >= 1
        and median_interpurchase_days >= {{ shortest_cycle_days }}

),

final as (

    {{ play_output('candidates', play, optional_columns=['recommended_category']) }}

)

select * from final
