with

declared_attributes as (

    {{ union_enabled('declared_attributes') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('declared_attributes.source_system', 'declared_attributes.source_declaration_id') }} as declaration_id,
        customer_keys.customer_id,
        declared_attributes.source_system,
        declared_attributes.attribute,
        declared_attributes.value,
        declared_attributes.declared_at
    from declared_attributes
    cross join settings
    {{ join_customer_keys('declared_attributes', 'customer_source_system') }}
    -- the as-of cut
    where {{ is_known('declared_attributes.declared_at', 'declared_attributes.source_system') }}

)

select * from final
