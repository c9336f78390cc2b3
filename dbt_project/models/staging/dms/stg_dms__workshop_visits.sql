with

workshop_visits as (

    select * from {{ ref('base_dms__workshop_visits') }}

),

final as (

    select
        source_visit_id,
        source_order_id,
        source_customer_id,
        {{ typed_nulls('workshop_visits', provided=[
            'source_visit_id', 'source_order_id', 'source_customer_id', 'source_vehicle_id',
            'source_store_id', 'visit_type', 'odometer_km', 'labour_amount', 'parts_amount',
            'net_amount', 'opened_at', 'closed_at',
        ]) }},
        source_vehicle_id,
        source_store_id,
        visit_type,
        odometer_km,
        labour_amount,
        parts_amount,
        net_amount,
        opened_at,
        closed_at
    from workshop_visits

)

select * from final
