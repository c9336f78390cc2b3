with

members as (

    select * from {{ ref('base_mailing__members') }}

),

final as (

    select
        {{ dbt.concat(["source_customer_id", "'-preferred_channel'"]) }} as source_declaration_id,
        source_customer_id,
        {{ typed_nulls('declared_attributes', provided=[
            'source_declaration_id', 'source_customer_id', 'attribute', 'value', 'declared_at',
        ]) }},
        'preferred_channel' as attribute,
        lower(preferred_channel) as value,
        coalesce(last_changed_at, confirmed_at, opted_in_at) as declared_at
    from members
    where preferred_channel is not null

)

select * from final
