with

orders as (

    select * from {{ ref('base_ecommerce__orders') }}

),

final as (

    select
        'web' as source_store_id,
        'Web shop' as store_name,
        {{ typed_nulls('stores', provided=['source_store_id', 'store_name', 'channel', 'first_seen_at']) }},
        'online' as channel,
        min(ordered_at) as first_seen_at
    from orders

)

select * from final
