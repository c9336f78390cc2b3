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

known as (

    select
        consents.*,
        -- later than the run itself: no event of the future but a wrong date
        coalesce(consents.recorded_at > settings.set_at, false) as is_misdated
    from consents
    cross join settings
    where
        -- the as-of cut; what has no date may have been said at any time
        coalesce({{ is_known('consents.recorded_at', 'consents.source_system') }}, true)
        -- a withdrawal does not lose its force by a wrong date
        or (consents.status = 'withdrawn' and consents.recorded_at > settings.set_at)

),

final as (

    select
        {{ prefixed_id('known.source_system', 'known.source_consent_id') }} as consent_id,
        customer_keys.customer_id,
        known.source_system,
        known.customer_source_system,
        known.source_customer_id,
        known.purpose,
        known.channel,
        known.status,
        known.proof,
        known.policy_version,
        case when not known.is_misdated then known.recorded_at end as recorded_at
    from known
    {{ join_customer_keys('known', 'customer_source_system') }}

)

select * from final
