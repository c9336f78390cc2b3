with

contracts as (

    {{ union_enabled('contracts') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('contracts.source_system', 'contracts.source_contract_id') }} as contract_id,
        {{ vehicle_id('contracts.source_system', 'contracts.source_vehicle_id') }} as vehicle_id,
        customer_keys.customer_id,
        contracts.source_system,
        contracts.contract_type,
        contracts.contract_name,
        contracts.status,
        contracts.monthly_amount,
        contracts.balloon_amount,
        contracts.starts_on,
        -- planned, hence known although it lies ahead
        contracts.ends_on
    from contracts
    cross join settings
    {{ join_customer_keys('contracts', 'customer_source_system') }}
    -- the as-of cut
    where contracts.starts_on < settings.as_of_date

)

select * from final
