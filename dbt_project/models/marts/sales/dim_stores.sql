with

stores as (

    select * from {{ ref('int_stores__unioned') }}

),

final as (

    select
        store_id,
        source_system,
        source_store_id,
        line_of_business,
        store_name,
        channel,
        street,
        city,
        postal_code,
        province_name,
        province_code,
        municipality_code,
        opened_on,
        first_seen_at
    from stores

)

select * from final
