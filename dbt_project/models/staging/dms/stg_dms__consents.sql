with

customers as (

    select * from {{ ref('base_dms__customers') }}

),

answers as (

    {% for channel, column in [('email', 'allows_email'), ('sms', 'allows_sms'), ('phone', 'allows_phone')] %}
    select
        source_customer_id,
        '{{ channel }}' as channel,
        {{ column }} as is_allowed,
        updated_at
    from customers
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        {{ dbt.concat(["source_customer_id", "'-'", "channel"]) }} as source_consent_id,
        source_customer_id,
        {{ typed_nulls('consents', provided=[
            'source_consent_id', 'source_customer_id', 'purpose', 'channel', 'status', 'proof',
            'recorded_at',
        ]) }},
        'marketing' as purpose,
        channel,
        case when is_allowed then 'granted' else 'withdrawn' end as status,
        'customer record of the dealer management system' as proof,
        -- the row tells when it changed, not which field: the latest that it can have been
        updated_at as recorded_at
    from answers
    where is_allowed is not null

)

select * from final
