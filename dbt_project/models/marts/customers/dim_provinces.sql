with

provinces as (

    select * from {{ ref('provinces') }}

),

final as (

    select
        province_code,
        province_name,
        autonomous_community_code,
        autonomous_community,
        shopify_code,
        population
    from provinces

)

select * from final
