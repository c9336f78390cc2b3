with

form_submissions as (

    {{ union_enabled('form_submissions') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

stores as (

    select * from {{ ref('int_stores__unioned') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('form_submissions.source_system', 'form_submissions.source_submission_id') }} as submission_id,
        case when form_submissions.source_product_id is not null then coalesce(products.product_id, 'unknown') end as product_id,
        stores.store_id,
        customer_keys.customer_id,
        form_submissions.source_system,
        form_submissions.form_code,
        form_submissions.form_name,
        form_submissions.form_type,
        form_submissions.page_url,
        form_submissions.device_id,
        form_submissions.model_interest,
        form_submissions.recommendation_score,
        form_submissions.submitted_at
    from form_submissions
    cross join settings
    {{ join_customer_keys('form_submissions', 'customer_source_system') }}
    left join products
        on
            form_submissions.product_source_system = products.source_system
            and form_submissions.source_product_id = products.source_product_id
    left join stores
        on
            form_submissions.store_source_system = stores.source_system
            and form_submissions.source_store_id = stores.source_store_id
    -- the as-of cut
    where {{ is_known('form_submissions.submitted_at', 'form_submissions.source_system') }}

)

select * from final
