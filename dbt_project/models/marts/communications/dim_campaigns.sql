with

campaigns as (

    select * from {{ ref('int_campaigns__unioned') }}

),

offers as (

    select * from {{ ref('int_offers__unioned') }}

),

offered as (

    select
        campaign_id,
        count(distinct offer_id) as offers,
        count(distinct product_id) as offered_products
    from offers
    group by campaign_id

),

final as (

    select
        campaigns.campaign_id,
        campaigns.source_system,
        campaigns.campaign_name,
        campaigns.campaign_type,
        campaigns.channel,
        cast(coalesce(offered.offers, 0) as bigint) as offers,
        cast(coalesce(offered.offered_products, 0) as bigint) as offered_products,
        coalesce(campaigns.ends_on >= {{ as_of_date() }}, true) as is_running,
        campaigns.starts_on,
        campaigns.ends_on
    from campaigns
    left join offered on campaigns.campaign_id = offered.campaign_id

)

select * from final
