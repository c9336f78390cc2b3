{% set play = {
    "title": "Missed visit of a regular",
    "title_es": "Visita perdida de un habitual",
    "line_of_business": "retail",
    "lifecycle_stage": "cooling",
    "category": "Punto de venta",
    "goal": "Let the shop win a regular back before the habit breaks.",
    "kpi": "Share back in the shop within 14 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"phone": "consent", "sms": "soft_opt_in", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["phone", "sms", "post"],
    "template": "missed_visit",
    "offer_is_discount": false,
    "priority": 65,
    "cooldown_days": 45,
    "validity_days": 21,
    "prior_incremental_response_share": 0.03,
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
        -- two missed visits
        {{ add_days('last_purchase_date', whole_days('2 * median_interpurchase_days')) }} as due_at,
        {{ sentence([
            "'A regular of the shop, every '", whole_days('median_interpurchase_days'),
            "' days, has been away for '", 'recency_days', "' days.'",
        ]) }} as reason,
        expected_order_value,
        favourite_category as recommended_category
    from signals
    where
        favourite_channel = 'store'
        and intervals >= 10
        and regularity >= 1.5
        and median_interpurchase_days >= 5

),

final as (

    {{ play_output('candidates', play, optional_columns=['recommended_category']) }}

)

select * from final
