{% set play = {
    "title": "Category cross-sell",
    "title_es": "Venta cruzada de categoría",
    "line_of_business": "retail",
    "lifecycle_stage": "active",
    "category": "Producto-precio",
    "goal": "Widen the basket by a category that similar customers buy.",
    "kpi": "First purchases in the category within 30 days.",
    "consent_purpose": "marketing",
    "legal_basis": {"email": "soft_opt_in", "push": "consent", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["email", "push", "post"],
    "template": "category_cross_sell",
    "offer_is_discount": false,
    "priority": 40,
    "cooldown_days": 30,
    "validity_days": 30,
    "prior_incremental_response_share": 0.02,
    "is_automatic": true,
} %}
{{ config(meta={"cadencia": {"play": play}}) }}

with

{# Only what is common among peers is worth a message, and few categories a segment keep the join small. #}
{% set least_peer_share = 0.3 %}
{% set categories_per_segment = 30 %}
signals as (

    select * from {{ ref('int_plays__customer_signals') }}

),

category_mix as (

    select * from {{ ref('int_customers__category_mix') }}

),

best_sellers as (

    select * from {{ ref('int_plays__best_sellers') }}

),

active as (

    select *
    from signals
    where
        r_score >= 3
        and lifetime_orders >= 3

),

segments as (

    select
        rfm_segment,
        count(*) as customers
    from active
    group by rfm_segment

),

peers as (

    select
        active.rfm_segment,
        category_mix.department,
        category_mix.category,
        count(*) as buyers
    from category_mix
    inner join active on category_mix.customer_id = active.customer_id
    where category_mix.is_recommendable
    group by active.rfm_segment, category_mix.department, category_mix.category

),

popular as (

    select
        peers.rfm_segment,
        peers.department,
        peers.category,
        peers.buyers / cast(segments.customers as double) as peer_share,
        row_number() over (
            partition by peers.rfm_segment
            order by peers.buyers desc, peers.department, peers.category
        ) as place
    from peers
    inner join segments on peers.rfm_segment = segments.rfm_segment

),

missing as (

    select
        active.customer_id,
        active.as_of_date,
        active.expected_order_value,
        popular.department,
        popular.category,
        popular.peer_share,
        row_number() over (
            partition by active.customer_id
            order by popular.place
        ) as place
    from active
    inner join popular
        on
            active.rfm_segment = popular.rfm_segment
            and popular.place <= {{ categories_per_segment }}
            and popular.peer_share >= {{ least_peer_share }}
    left join category_mix
        on
            active.customer_id = category_mix.customer_id
            and popular.department = category_mix.department
            and popular.category = category_mix.category
    where category_mix.customer_id is null

),

candidates as (

    select
        missing.customer_id,
        missing.as_of_date as due_at,
        {{ sentence([
            'cast(round(100 * missing.peer_share) as integer)', "' % of similar customers buy '", 'missing.category',
            "', this one never did.'",
        ]) }} as reason,
        missing.expected_order_value,
        missing.category as recommended_category,
        best_sellers.product_ids as recommended_product_ids
    from missing
    inner join best_sellers
        on
            missing.department = best_sellers.department
            and missing.category = best_sellers.category
    where missing.place = 1

),

final as (

    {{ play_output('candidates', play, optional_columns=['recommended_category', 'recommended_product_ids']) }}

)

select * from final
