with

workshop_visits as (

    {{ union_enabled('workshop_visits') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

stores as (

    select * from {{ ref('int_stores__unioned') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('workshop_visits.source_system', 'workshop_visits.source_visit_id') }} as visit_id,
        {{ prefixed_id('workshop_visits.source_system', 'workshop_visits.source_order_id') }} as order_id,
        {{ vehicle_id('workshop_visits.source_system', 'workshop_visits.source_vehicle_id') }} as vehicle_id,
        stores.store_id,
        customer_keys.customer_id,
        workshop_visits.source_system,
        workshop_visits.visit_type,
        workshop_visits.odometer_km,
        workshop_visits.labour_amount,
        workshop_visits.parts_amount,
        workshop_visits.net_amount,
        workshop_visits.opened_at,
        case when {{ is_known('workshop_visits.closed_at', 'workshop_visits.source_system') }} then workshop_visits.closed_at end as closed_at
    from workshop_visits
    cross join settings
    {{ join_customer_keys('workshop_visits', 'customer_source_system') }}
    left join stores
        on
            workshop_visits.source_system = stores.source_system
            and workshop_visits.source_store_id = stores.source_store_id
    -- the as-of cut
    where {{ is_known('workshop_visits.opened_at', 'workshop_visits.source_system') }}

)

select * from final
