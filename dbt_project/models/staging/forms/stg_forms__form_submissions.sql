with

submissions as (

    select * from {{ ref('base_forms__submissions') }}

),

final as (

    select
        source_submission_id,
        source_customer_id,
        {{ typed_nulls('form_submissions', provided=[
            'source_submission_id', 'source_customer_id', 'form_code', 'form_name', 'form_type',
            'page_url', 'device_id', 'source_product_id', 'product_source_system',
            'source_store_id', 'store_source_system', 'model_interest', 'recommendation_score',
            'submitted_at',
        ]) }},
        form_code,
        form_name,
        form_type,
        page_url,
        device_id,
        source_product_id,
        'ecommerce' as product_source_system,
        source_store_id,
        -- test drives name a car dealer
        'dms' as store_source_system,
        model_interest,
        recommendation_score,
        submitted_at
    from submissions

)

select * from final
