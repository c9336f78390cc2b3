with

vehicles as (

    select * from {{ ref('base_dms__vehicles') }}

),

final as (

    select
        source_vehicle_id,
        source_customer_id,
        {{ typed_nulls('vehicle_ownerships', provided=[
            'source_vehicle_id', 'source_customer_id', 'acquired_on', 'released_on',
        ]) }},
        acquired_on,
        released_on
    from vehicles
    where source_customer_id is not null

)

select * from final
