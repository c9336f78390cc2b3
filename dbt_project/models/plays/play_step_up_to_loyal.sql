{% set play = {
    "title": "Step up to loyal",
    "title_es": "Paso a leal",
    "line_of_business": "retail",
    "lifecycle_stage": "growing",
    "category": "Campañas",
    "goal": "Raise the frequency of recent customers who are one step from loyal.",
    "kpi": "Share that reaches the group loyal after 90 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"email": "soft_opt_in", "push": "consent", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["email", "push", "post"],
    "template": "step_up_to_loyal",
    "offer_is_discount": true,
    "priority": 50,
    "cooldown_days": 60,
    "validity_days": 30,
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
        as_of_date as due_at,
        {{ sentence(["'Recent and one frequency score below the loyal (cell '", 'rfm_cell', "').'"]) }} as reason,
        expected_order_value,
        'Voucher after three purchases within a month' as offer,
        favourite_category as recommended_category
    from signals
    where
        rfm_group = 'recurrent'
        and r_score >= 4
        and f_score = 3
        and lifetime_orders >= 2

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer', 'recommended_category']) }}

)

select * from final
