with

customers as (

    select * from {{ ref('base_erp__customers') }}

),

answers as (

    {% for channel, column in [('email', 'allows_email'), ('sms', 'allows_sms'), ('post', 'allows_post')] %}
    select
        source_customer_id,
        '{{ channel }}' as channel,
        nullif(trim({{ column }}), '') as answer,
        modified_at
    from customers
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

final as (

    select
        {{ dbt.concat(["source_customer_id", "'-'", "channel"]) }} as source_consent_id,
        source_customer_id,
        {{ typed_nulls('consents', provided=[
            'source_consent_id', 'source_customer_id', 'purpose', 'channel', 'status', 'proof', 'recorded_at',
        ]) }},
        'marketing' as purpose,
        channel,
        -- a code that no map knows is read as a no
        {{ mapped_value('erp', 'consent_status', 'answer', otherwise="'withdrawn'") }} as status,
        'customer record of the ERP' as proof,
        -- the file tells when the record changed, not which field: the latest that it can have been
        modified_at as recorded_at
    from answers
    where answer is not null

)

select * from final
