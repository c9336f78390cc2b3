with

transactions as (

    select * from {{ ref('base_complete_journey__transactions') }}

),

mailings as (

    select * from {{ ref('base_complete_journey__campaigns') }}

),

campaigns as (

    select * from {{ ref('base_complete_journey__campaign_descriptions') }}

),

demographics as (

    select * from {{ ref('base_complete_journey__demographics') }}

),

sightings as (

    select
        source_customer_id,
        min(ordered_at) as seen_at
    from transactions
    group by source_customer_id
    union all
    select
        mailings.source_customer_id,
        min(cast(campaigns.starts_on as {{ dbt.type_timestamp() }})) as seen_at
    from mailings
    inner join campaigns on mailings.source_campaign_id = campaigns.source_campaign_id
    group by mailings.source_customer_id

),

households as (

    select
        source_customer_id,
        min(seen_at) as first_seen_at
    from sightings
    group by source_customer_id

),

final as (

    select
        households.source_customer_id,
        {{ typed_nulls('customers', provided=[
            'source_customer_id', 'age_band', 'income_band', 'household_size',
            'household_composition', 'home_ownership', 'marital_status', 'kids_count', 'has_email',
            'has_phone', 'has_postal_address', 'has_push', 'first_seen_at',
        ]) }},
        demographics.age_band,
        demographics.income_band,
        demographics.household_size,
        demographics.household_composition,
        demographics.home_ownership,
        demographics.marital_status,
        demographics.kids_count,
        false as has_email,
        false as has_phone,
        -- the retailer mails its households; the address itself is not in the data
        true as has_postal_address,
        false as has_push,
        households.first_seen_at
    from households
    left join demographics on households.source_customer_id = demographics.source_customer_id

)

select * from final
