with

submissions as (

    select * from {{ ref('base_forms__submissions') }}

),

final as (

    select
        source_submission_id as source_registration_id,
        source_customer_id,
        {{ typed_nulls('product_registrations', provided=[
            'source_registration_id', 'source_customer_id', 'source_product_id',
            'product_source_system', 'serial_number', 'store_name', 'purchased_on',
            'registered_at',
        ]) }},
        source_product_id,
        'ecommerce' as product_source_system,
        serial_number,
        store_name,
        purchased_on,
        submitted_at as registered_at
    from submissions
    where form_type = 'product_registration'

)

select * from final
