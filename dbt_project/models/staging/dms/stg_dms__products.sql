with

vehicles as (

    select * from {{ ref('base_dms__vehicles') }}

),

workshop_visits as (

    select * from {{ ref('base_dms__workshop_visits') }}

),

models as (

    select
        {{ vehicle_model_id('make', 'model') }} as source_product_id,
        min({{ dbt.concat(['make', "' '", 'model']) }}) as product_name,
        'Vehicles' as department,
        min(coalesce(body, 'Vehicle')) as category,
        min(model) as product_type,
        min(make) as brand
    from vehicles
    where make is not null and model is not null
    group by {{ vehicle_model_id('make', 'model') }}

),

services as (

    select
        {{ dbt.concat(["'workshop:'", 'visit_type']) }} as source_product_id,
        {{ dbt.concat(["'Workshop: '", 'visit_type']) }} as product_name,
        'Workshop' as department,
        visit_type as category,
        visit_type as product_type,
        cast(null as {{ dbt.type_string() }}) as brand
    from workshop_visits
    where visit_type is not null
    group by visit_type

),

offered as (

    select * from models
    union all
    select * from services

),

final as (

    select
        source_product_id,
        product_name,
        department,
        category,
        product_type,
        brand,
        {{ typed_nulls('products', provided=[
            'source_product_id', 'product_name', 'department', 'category', 'product_type',
            'brand', 'is_recommendable',
        ]) }},
        -- a car or a repair is not put into a basket beside others
        false as is_recommendable
    from offered

)

select * from final
