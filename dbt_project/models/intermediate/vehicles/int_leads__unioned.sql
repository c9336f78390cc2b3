with

leads as (

    {{ union_enabled('leads') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

stores as (

    select * from {{ ref('int_stores__unioned') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('leads.source_system', 'leads.source_lead_id') }} as lead_id,
        stores.store_id,
        customer_keys.customer_id,
        leads.source_system,
        leads.lead_source,
        leads.model_interest,
        case when {{ is_known('leads.closed_at', 'leads.source_system') }} then leads.status else 'open' end as status,
        case when {{ is_known('leads.closed_at', 'leads.source_system') }} then leads.lost_reason end as lost_reason,
        leads.created_at,
        case when {{ is_known('leads.closed_at', 'leads.source_system') }} then leads.closed_at end as closed_at
    from leads
    cross join settings
    {{ join_customer_keys('leads', 'customer_source_system') }}
    left join stores
        on
            leads.source_system = stores.source_system
            and leads.source_store_id = stores.source_store_id
    -- the as-of cut
    where {{ is_known('leads.created_at', 'leads.source_system') }}

)

select * from final
