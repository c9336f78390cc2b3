with

transactions as (

    select * from {{ ref('base_complete_journey__transactions') }}

),

final as (

    select
        source_store_id,
        {{ dbt.concat(["'Store '", "source_store_id"]) }} as store_name,
        {{ typed_nulls('stores', provided=[
            'source_store_id', 'store_name', 'channel', 'first_seen_at',
        ]) }},
        'store' as channel,
        min(ordered_at) as first_seen_at
    from transactions
    group by source_store_id

)

select * from final
