with

contracts as (

    select * from {{ ref('int_contracts__unioned') }}

),

vehicles as (

    select * from {{ ref('int_vehicles__unioned') }}

),

final as (

    select
        contracts.contract_id,
        contracts.customer_id,
        vehicles.vehicle_id,
        contracts.source_system,
        contracts.contract_type,
        contracts.contract_name,
        contracts.status,
        contracts.monthly_amount,
        contracts.balloon_amount,
        contracts.starts_on <= {{ as_of_date() }} and coalesce(contracts.ends_on >= {{ as_of_date() }}, true)
        and coalesce(contracts.status, 'active') = 'active' as is_running,
        contracts.starts_on,
        contracts.ends_on
    from contracts
    left join vehicles on contracts.vehicle_id = vehicles.vehicle_id

)

select * from final
