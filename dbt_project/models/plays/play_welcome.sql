{% set play = {
    "title": "Welcome",
    "title_es": "Bienvenida",
    "line_of_business": "retail",
    "lifecycle_stage": "new",
    "category": "Ciclo",
    "goal": "Make the first purchases pleasant and the second likely.",
    "kpi": "Share of new customers with a further purchase within 30 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"email": "soft_opt_in", "push": "consent", "post": "legitimate_interest"},
    "uses_profiling": false,
    "channels": ["email", "push", "post"],
    "template": "welcome",
    "offer_is_discount": false,
    "priority": 70,
    "cooldown_days": 365,
    "validity_days": 30,
    "prior_incremental_response_share": 0.04,
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
        {{ add_days('first_purchase_date', 1) }} as due_at,
        {{ sentence([
            "'New customer: first purchase '", days_between('first_purchase_date', 'as_of_date'),
            "' days ago, '", 'lifetime_orders', "' so far.'",
        ]) }} as reason,
        expected_order_value,
        'Welcome letter with the services of the shop' as offer
    from signals
    -- whoever bought more than three times has settled in
    where lifetime_orders between 1 and 3

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer']) }}

)

select * from final
