with

compatibilities as (

    select * from {{ ref('int_product_compatibilities__unioned') }}

),

final as (

    select
        product_id,
        compatible_product_id
    from compatibilities

)

select * from final
