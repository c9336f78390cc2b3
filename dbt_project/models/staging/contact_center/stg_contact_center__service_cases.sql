with

cases as (

    select * from {{ ref('base_contact_center__cases') }}

),

final as (

    select
        source_case_id,
        source_customer_id,
        {{ typed_nulls('service_cases', provided=[
            'source_case_id', 'source_customer_id', 'source_product_id', 'product_source_system',
            'product_name', 'serial_number', 'channel', 'topic', 'subtopic', 'status',
            'satisfaction_score', 'agent', 'description', 'opened_at', 'closed_at',
        ]) }},
        source_product_id,
        'ecommerce' as product_source_system,
        product_name,
        serial_number,
        {{ mapped_value('contact_center', 'channel', 'channel', otherwise="'other'") }} as channel,
        topic,
        subtopic,
        {{ mapped_value('contact_center', 'status', 'status', otherwise="case when closed_at is null then 'open' else 'closed' end") }} as status,
        satisfaction_score,
        agent,
        description,
        opened_at,
        closed_at
    from cases

)

select * from final
