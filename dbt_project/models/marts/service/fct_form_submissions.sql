with

submissions as (

    select * from {{ ref('int_form_submissions__unioned') }}

),

final as (

    select
        submission_id,
        customer_id,
        product_id,
        store_id,
        source_system,
        form_code,
        form_name,
        form_type,
        page_url,
        device_id,
        model_interest,
        recommendation_score,
        submitted_at
    from submissions

)

select * from final
