{% set play = {
    "title": "Favourite that was given up",
    "title_es": "Categoría abandonada",
    "line_of_business": "retail",
    "lifecycle_stage": "active",
    "category": "Producto-precio",
    "goal": "Win back a category that an active customer now buys elsewhere or not at all.",
    "kpi": "Purchases in the category within 30 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"email": "soft_opt_in", "push": "consent", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["email", "push", "post"],
    "template": "category_winback",
    "offer_is_discount": true,
    "priority": 55,
    "cooldown_days": 60,
    "validity_days": 30,
    "prior_incremental_response_share": 0.03,
    "is_automatic": true,
} %}
{{ config(meta={"cadencia": {"play": play}}) }}

with

{# How many of the customer's own cycles in the category must pass, and how long a cycle may be. #}
{% set missed_cycles = 4 %}
{% set longest_cycle_days = 45 %}
signals as (

    select * from {{ ref('int_plays__customer_signals') }}

),

category_mix as (

    select * from {{ ref('int_customers__category_mix') }}

),

best_sellers as (

    select * from {{ ref('int_plays__best_sellers') }}

),

rhythms as (

    select
        *,
        {{ days_between('first_purchase_date', 'last_purchase_date') }}
        / cast(purchase_days - 1 as double) as cycle_days
    from category_mix
    where
        is_recommendable
        and purchase_days >= 8
        and net_amount_share >= 0.02

),

given_up as (

    select
        rhythms.customer_id,
        rhythms.department,
        rhythms.category,
        rhythms.cycle_days,
        {{ days_between('rhythms.last_purchase_date', 'signals.as_of_date') }} as silent_days,
        signals.as_of_date,
        signals.expected_order_value,
        row_number() over (
            partition by rhythms.customer_id
            order by rhythms.net_amount desc, rhythms.department, rhythms.category
        ) as place
    from rhythms
    inner join signals on rhythms.customer_id = signals.customer_id
    where
        -- still a customer, only not of this category
        signals.r_score >= 3
        and signals.last_purchase_date > rhythms.last_purchase_date
        and rhythms.cycle_days <= {{ longest_cycle_days }}
        and {{ days_between('rhythms.last_purchase_date', 'signals.as_of_date') }}
        > {{ missed_cycles }} * rhythms.cycle_days

),

candidates as (

    select
        given_up.customer_id,
        given_up.as_of_date as due_at,
        {{ sentence([
            "'Used to buy '", 'given_up.category', "' every '", whole_days('given_up.cycle_days'),
            "' days, not for '", 'given_up.silent_days', "' days; still buys other things.'",
        ]) }} as reason,
        given_up.expected_order_value,
        'Voucher for the category' as offer,
        given_up.category as recommended_category,
        best_sellers.product_ids as recommended_product_ids
    from given_up
    left join best_sellers
        on
            given_up.department = best_sellers.department
            and given_up.category = best_sellers.category
    where given_up.place = 1

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer', 'recommended_category', 'recommended_product_ids']) }}

)

select * from final
