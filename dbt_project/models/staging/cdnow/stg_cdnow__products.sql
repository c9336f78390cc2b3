with

final as (

    select
        'cd' as source_product_id,
        'Compact disc' as product_name,
        'Music' as department,
        'Compact discs' as category,
        'Compact disc' as product_type,
        {{ typed_nulls('products', provided=[
            'source_product_id', 'product_name', 'department', 'category', 'product_type',
            'is_recommendable',
        ]) }},
        true as is_recommendable

)

select * from final
