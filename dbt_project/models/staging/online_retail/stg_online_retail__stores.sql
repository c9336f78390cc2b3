with

invoice_lines as (

    select * from {{ ref('base_online_retail__invoice_lines') }}

),

final as (

    select
        'web' as source_store_id,
        'Online Retail web shop' as store_name,
        {{ typed_nulls('stores', provided=['source_store_id', 'store_name', 'channel', 'first_seen_at']) }},
        'online' as channel,
        min(ordered_at) as first_seen_at
    from invoice_lines

)

select * from final
