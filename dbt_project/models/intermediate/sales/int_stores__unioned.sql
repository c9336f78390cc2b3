with

stores as (

    {{ union_enabled('stores') }}

),

final as (

    select
        {{ prefixed_id('stores.source_system', 'stores.source_store_id') }} as store_id,
        stores.source_system,
        stores.source_store_id,
        stores.store_name,
        stores.channel,
        stores.first_seen_at
    from stores
    -- the as-of cut
    where stores.first_seen_at < {{ as_of_date() }}

)

select * from final
