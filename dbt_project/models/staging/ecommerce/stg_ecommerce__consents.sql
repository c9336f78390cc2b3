with

customers as (

    select * from {{ ref('base_ecommerce__customers') }}

),

orders as (

    select * from {{ ref('base_ecommerce__orders') }}

),

answers as (

    {% for channel, column in [('email', 'accepts_email'), ('sms', 'accepts_sms')] %}
    select
        source_customer_id,
        {{ dbt.concat(["'account-'", "source_customer_id", "'-" ~ channel ~ "'"]) }} as source_consent_id,
        '{{ channel }}' as channel,
        {{ column }} as answer,
        'customer account of the web shop' as proof,
        -- the export does not date the answer: the latest that it can have been
        delivered_at as recorded_at
    from customers
    union all
    {% endfor %}
    -- at the checkout only a yes is given; an unticked box withdraws nothing
    select
        source_customer_id,
        {{ dbt.concat(["'order-'", "source_order_id", "'-email'"]) }} as source_consent_id,
        'email' as channel,
        accepts_marketing as answer,
        {{ dbt.concat(["'order '", "source_order_id"]) }} as proof,
        ordered_at as recorded_at
    from orders
    where accepts_marketing = 'yes'

),

final as (

    select
        source_consent_id,
        source_customer_id,
        {{ typed_nulls('consents', provided=[
            'source_consent_id', 'source_customer_id', 'purpose', 'channel', 'status', 'proof', 'recorded_at',
        ]) }},
        'marketing' as purpose,
        channel,
        -- a code that no map knows is read as a no
        {{ mapped_value('ecommerce', 'consent_status', 'answer', otherwise="'withdrawn'") }} as status,
        proof,
        recorded_at
    from answers
    where
        nullif(trim(answer), '') is not null
        and source_customer_id is not null

)

select * from final
