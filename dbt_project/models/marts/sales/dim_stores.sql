with

stores as (

    select * from {{ ref('int_stores__unioned') }}

),

final as (

    select
        store_id,
        source_system,
        source_store_id,
        store_name,
        channel,
        first_seen_at
    from stores

)

select * from final
