with

product_tags as (

    select * from {{ ref('base_ecommerce__product_tags') }}

),

final as (

    select distinct
        source_product_id,
        tag_value as compatible_source_product_id
    from product_tags
    where tag_kind = 'compatible'

)

select * from final
