with

leads as (

    select * from {{ ref('base_dms__leads') }}

),

final as (

    select
        source_lead_id,
        source_customer_id,
        {{ typed_nulls('leads', provided=[
            'source_lead_id', 'source_customer_id', 'source_store_id', 'lead_source',
            'model_interest', 'status', 'lost_reason', 'created_at', 'closed_at',
        ]) }},
        source_store_id,
        lead_source,
        model_interest,
        status,
        lost_reason,
        created_at,
        closed_at
    from leads

)

select * from final
