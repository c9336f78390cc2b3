with

consents as (

    {{ union_enabled('consents') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('consents.source_system', 'consents.source_consent_id') }} as consent_id,
        customer_keys.customer_id,
        consents.source_system,
        consents.purpose,
        consents.channel,
        consents.status,
        consents.proof,
        consents.policy_version,
        consents.recorded_at
    from consents
    cross join settings
    {{ join_customer_keys('consents', 'customer_source_system') }}
    -- the as-of cut
    where {{ is_known('consents.recorded_at', 'consents.source_system') }}

)

select * from final
