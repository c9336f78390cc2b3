with

finance_contracts as (

    select * from {{ ref('base_dms__finance_contracts') }}

),

warranties as (

    select * from {{ ref('base_dms__warranties') }}

),

final as (

    select
        {{ dbt.concat(["'finance:'", 'source_contract_id']) }} as source_contract_id,
        source_customer_id,
        {{ typed_nulls('contracts', provided=[
            'source_contract_id', 'source_customer_id', 'source_vehicle_id', 'contract_type',
            'contract_name', 'status', 'monthly_amount', 'balloon_amount', 'starts_on', 'ends_on',
        ]) }},
        source_vehicle_id,
        'finance' as contract_type,
        contract_name,
        status,
        monthly_amount,
        balloon_amount,
        starts_on,
        ends_on
    from finance_contracts
    union all
    select
        {{ dbt.concat(["'warranty:'", 'source_contract_id']) }} as source_contract_id,
        -- a warranty belongs to the vehicle, whoever owns it
        cast(null as {{ dbt.type_string() }}) as source_customer_id,
        {{ typed_nulls('contracts', provided=[
            'source_contract_id', 'source_customer_id', 'source_vehicle_id', 'contract_type',
            'contract_name', 'status', 'monthly_amount', 'balloon_amount', 'starts_on', 'ends_on',
        ]) }},
        source_vehicle_id,
        'warranty' as contract_type,
        contract_name,
        cast(null as {{ dbt.type_string() }}) as status,
        cast(null as decimal(18, 4)) as monthly_amount,
        cast(null as decimal(18, 4)) as balloon_amount,
        starts_on,
        ends_on
    from warranties

)

select * from final
