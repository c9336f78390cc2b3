with

leads as (

    select * from {{ ref('base_dms__leads') }}

),

final as (

    select
        {{ dbt.concat(["source_lead_id", "'-vehicle_model_interest'"]) }} as source_declaration_id,
        source_customer_id,
        {{ typed_nulls('declared_attributes', provided=[
            'source_declaration_id', 'source_customer_id', 'attribute', 'value', 'declared_at',
        ]) }},
        'vehicle_model_interest' as attribute,
        model_interest as value,
        created_at as declared_at
    from leads
    where model_interest is not null

)

select * from final
