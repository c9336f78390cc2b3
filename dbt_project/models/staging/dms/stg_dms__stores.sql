with

dealers as (

    select * from {{ ref('base_dms__dealers') }}

),

leads as (

    select * from {{ ref('base_dms__leads') }}

),

vehicle_orders as (

    select * from {{ ref('base_dms__vehicle_orders') }}

),

workshop_visits as (

    select * from {{ ref('base_dms__workshop_visits') }}

),

sightings as (

    select
        source_store_id,
        created_at as seen_at
    from leads
    union all
    select
        source_store_id,
        ordered_at as seen_at
    from vehicle_orders
    union all
    select
        source_store_id,
        opened_at as seen_at
    from workshop_visits

),

first_sightings as (

    select
        source_store_id,
        min(seen_at) as first_seen_at
    from sightings
    group by source_store_id

),

final as (

    select
        dealers.source_store_id,
        {{ typed_nulls('stores', provided=[
            'source_store_id', 'store_name', 'channel', 'street', 'city', 'postal_code',
            'province_name', 'first_seen_at',
        ]) }},
        dealers.store_name,
        'store' as channel,
        dealers.street,
        dealers.city,
        dealers.postal_code,
        dealers.province_name,
        first_sightings.first_seen_at
    from dealers
    -- a dealer where nothing has happened is not known yet
    inner join first_sightings on dealers.source_store_id = first_sightings.source_store_id

)

select * from final
