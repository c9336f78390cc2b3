with

consents as (

    select * from {{ ref('base_forms__consents') }}

),

final as (

    select
        {{ dbt.concat(["source_submission_id", "'-'", "purpose", "'-'", "channel_code"]) }} as source_consent_id,
        source_customer_id,
        {{ typed_nulls('consents', provided=[
            'source_consent_id', 'source_customer_id', 'purpose', 'channel', 'status', 'proof',
            'policy_version', 'recorded_at',
        ]) }},
        -- what no map knows stays as it is: int_consents__by_record reads it as strictly as it can be
        {{ mapped_value('forms', 'purpose', 'purpose', otherwise='purpose') }} as purpose,
        {{ mapped_value('forms', 'channel', 'channel_code', otherwise='channel_code') }} as channel,
        case
            -- a box left empty asks for nothing and takes nothing back
            when not is_granted then 'declined'
            -- until the link in the confirmation is followed, anybody may have typed the address
            when double_opt_in = 'pending' then 'pending'
            else 'granted'
        end as status,
        {{ dbt.concat(["'form submission '", "source_submission_id"]) }} as proof,
        policy_version,
        submitted_at as recorded_at
    from consents

)

select * from final
