with

stores as (

    select * from {{ ref('base_erp__stores') }}

),

final as (

    select
        source_store_id,
        store_name,
        'store' as channel,
        street,
        city,
        postal_code,
        province_name,
        opened_on,
        cast(opened_on as {{ dbt.type_timestamp() }}) as first_seen_at
    from stores

)

select * from final
