{% set play = {
    "title": "Coupon about to expire",
    "title_es": "Cupón a punto de caducar",
    "line_of_business": "retail",
    "lifecycle_stage": "active",
    "category": "Campañas",
    "goal": "Have coupons redeemed that the customer has and can use.",
    "kpi": "Redemptions until the end of the campaign.",
    "consent_purpose": "marketing",
    "legal_basis": {"push": "consent", "sms": "soft_opt_in", "email": "soft_opt_in", "post": "legitimate_interest"},
    "uses_profiling": true,
    "channels": ["push", "sms", "email", "post"],
    "template": "coupon_reminder",
    "offer_is_discount": true,
    "priority": 90,
    "cooldown_days": 30,
    "validity_days": 14,
    "prior_incremental_response_share": 0.05,
    "is_automatic": true,
} %}
{{ config(meta={"cadencia": {"play": play}}) }}

with

signals as (

    select * from {{ ref('int_plays__customer_signals') }}

),

messages as (

    select * from {{ ref('fct_messages') }}

),

campaigns as (

    select * from {{ ref('dim_campaigns') }}

),

responses as (

    select * from {{ ref('fct_campaign_responses') }}

),

offers as (

    select * from {{ ref('fct_campaign_offers') }}

),

category_mix as (

    select * from {{ ref('int_customers__category_mix') }}

),

-- running and in their last days
ending as (

    select
        *,
        -- valid until the last day of the campaign
        {{ add_days('ends_on', -play.validity_days) }} as due_at
    from campaigns
    where
        is_running
        and {{ add_days('ends_on', -play.validity_days) }} <= {{ as_of_date() }}

),

redeemed as (

    select distinct
        customer_id,
        campaign_id
    from responses
    where response_type = 'coupon_redemption'

),

unused as (

    select
        messages.customer_id,
        ending.campaign_id,
        ending.ends_on,
        ending.due_at
    from messages
    inner join ending on messages.campaign_id = ending.campaign_id
    left join redeemed
        on
            messages.customer_id = redeemed.customer_id
            and messages.campaign_id = redeemed.campaign_id
    where redeemed.customer_id is null

),

offered_categories as (

    select distinct
        campaign_id,
        department,
        category
    from offers
    where product_id <> 'unknown'

),

usable as (

    select
        unused.customer_id,
        unused.ends_on,
        unused.due_at,
        offered_categories.category,
        category_mix.orders,
        row_number() over (
            partition by unused.customer_id
            order by category_mix.orders desc, unused.ends_on, unused.campaign_id, offered_categories.category
        ) as place
    from unused
    inner join offered_categories on unused.campaign_id = offered_categories.campaign_id
    inner join category_mix
        on
            unused.customer_id = category_mix.customer_id
            and offered_categories.department = category_mix.department
            and offered_categories.category = category_mix.category
    where category_mix.is_recommendable

),

candidates as (

    select
        usable.customer_id,
        usable.due_at,
        {{ sentence([
            "'Has an unused coupon until '", 'usable.ends_on', "' for '", 'usable.category', "', bought in '",
            'usable.orders', "' orders.'",
        ]) }} as reason,
        signals.expected_order_value,
        'Coupon already mailed' as offer,
        usable.category as recommended_category
    from usable
    inner join signals on usable.customer_id = signals.customer_id
    where usable.place = 1

),

final as (

    {{ play_output('candidates', play, optional_columns=['offer', 'recommended_category']) }}

)

select * from final
