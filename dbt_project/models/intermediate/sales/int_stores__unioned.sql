with

stores as (

    {{ union_enabled('stores') }}

),

business_lines as (

    select * from {{ ref('business_lines') }}

),

final as (

    select
        {{ prefixed_id('stores.source_system', 'stores.source_store_id') }} as store_id,
        stores.source_system,
        stores.source_store_id,
        business_lines.line_of_business,
        stores.store_name,
        stores.channel,
        stores.street,
        stores.city,
        stores.postal_code,
        stores.province_name,
        stores.opened_on,
        stores.first_seen_at
    from stores
    left join business_lines on stores.source_system = business_lines.source_system
    -- the as-of cut
    where stores.first_seen_at < {{ as_of_date() }}

)

select * from final
