with

vehicle_ownerships as (

    {{ union_enabled('vehicle_ownerships') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ vehicle_id('vehicle_ownerships.source_system', 'vehicle_ownerships.source_vehicle_id') }} as vehicle_id,
        customer_keys.customer_id,
        vehicle_ownerships.source_system,
        vehicle_ownerships.acquired_on,
        case when vehicle_ownerships.released_on < settings.as_of_date then vehicle_ownerships.released_on end as released_on
    from vehicle_ownerships
    cross join settings
    {{ join_customer_keys('vehicle_ownerships', 'customer_source_system') }}
    -- the as-of cut
    where
        coalesce(vehicle_ownerships.acquired_on < settings.as_of_date, true)
        -- an owner who is not known yet owns nothing yet
        and customer_keys.customer_id is not null

)

select * from final
