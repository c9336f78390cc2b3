with

current_consents as (

    select * from {{ ref('int_consents__current') }}

),

contact_rights as (

    select * from {{ ref('int_customers__contact_rights') }}

),

final as (

    select
        current_consents.customer_id,
        current_consents.purpose,
        current_consents.channel,
        current_consents.status,
        current_consents.is_granted,
        -- not by what else forbids it: lists, minors and, for third parties, a withdrawal of all advertising
        case
            when current_consents.purpose <> 'profiling'
                then current_consents.is_granted and not contact_rights.is_forbidden
        end as is_contact_allowed,
        current_consents.deciding_source_system,
        current_consents.deciding_consent_id,
        current_consents.decided_at,
        current_consents.last_granted_at,
        current_consents.last_withdrawn_at,
        cast(current_consents.records as bigint) as records,
        cast(current_consents.events as bigint) as events
    from current_consents
    left join contact_rights
        on
            current_consents.customer_id = contact_rights.customer_id
            and current_consents.channel = contact_rights.channel

)

select * from final
