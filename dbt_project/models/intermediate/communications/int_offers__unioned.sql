with

offers as (

    {{ union_enabled('offers') }}

),

campaigns as (

    select * from {{ ref('int_campaigns__unioned') }}

),

keyed as (

    select
        {{ prefixed_id('offers.source_system', 'offers.source_campaign_id') }} as campaign_id,
        {{ prefixed_id('offers.source_system', 'offers.source_offer_id') }} as offer_id,
        {{ prefixed_id('offers.source_system', 'offers.source_product_id') }} as product_id,
        offers.source_system
    from offers

),

final as (

    select keyed.*
    from keyed
    -- an offer is known when its campaign is: the campaigns carry the as-of cut
    inner join campaigns on keyed.campaign_id = campaigns.campaign_id

)

select * from final
