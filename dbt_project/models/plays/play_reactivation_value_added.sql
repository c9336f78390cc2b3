{% set play = {
    "title": "Reactivation with added value",
    "title_es": "Reactivación de valor añadido",
    "line_of_business": "retail",
    "lifecycle_stage": "lapsed",
    "category": "Institucional",
    "goal": "Bring back rare buyers of high value by service, not by price.",
    "kpi": "Share reactivated within 60 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"email": "soft_opt_in", "phone": "consent", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["email", "phone", "post"],
    "template": "reactivation_value_added",
    "offer_is_discount": false,
    "priority": 85,
    "cooldown_days": 120,
    "validity_days": 30,
    "prior_incremental_response_share": 0.02,
    "is_automatic": true,
} %}
{{ config(meta={"cadencia": {"play": play}}) }}

with

{# Fifths of the mean ticket, best = 5, as in RFM. #}
{% set ticket_score_at_least = 5 %}
signals as (

    select * from {{ ref('int_plays__customer_signals') }}

),

lapsed as (

    -- R1 and rare: where most customers bought once, ties lift them all above frequency score 1
    select
        signals.*,
        min(signals.f_score) over () as lowest_f_score,
        {{ quintile(midrank('signals.mean_ticket_amount', 'signals.mean_ticket_amount')) }} as ticket_score
    from signals
    where signals.lifetime_orders > 0

),

candidates as (

    select
        customer_id,
        as_of_date as due_at,
        {{ sentence([
            "'Bought rarely but for much (cell '", 'rfm_cell', "', '", whole_days('mean_ticket_amount'),
            "' a purchase) and not for '", 'recency_days', "' days.'",
        ]) }} as reason,
        expected_order_value,
        'Personal advice and a service free of charge' as offer,
        favourite_category as recommended_category
    from lapsed
    where
        r_score = 1
        and f_score <= lowest_f_score + 1
        -- R1 F1 M5; where the amount follows the frequency, as in groceries, nobody is in that corner
        -- and the ticket tells who bought for much
        and (m_score = 5 or ticket_score >= {{ ticket_score_at_least }})

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer', 'recommended_category']) }}

)

select * from final
