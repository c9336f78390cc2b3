with

suppressions as (

    {{ union_enabled('suppressions') }}

),

customers as (

    select * from {{ ref('int_customers__unioned') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

-- what an opt-out list hashes: the normalised address, number or national id
identifiers as (

    {% for kind, column in [
        ('email', 'email'), ('phone', 'mobile_phone'), ('phone', 'landline_phone'), ('national_id', 'national_id'),
    ] %}
    select
        source_system,
        source_customer_id,
        '{{ kind }}' as identifier_kind,
        {{ sha256_hex(column) }} as identifier_sha256
    from customers
    where {{ column }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

known as (

    select suppressions.*
    from suppressions
    cross join settings
    -- the as-of cut; an entry without a date has always been there
    where coalesce({{ is_known('suppressions.suppressed_at', 'suppressions.source_system') }}, true)

),

matched as (

    select
        known.source_system,
        known.source_suppression_id,
        customer_keys.customer_id
    from known
    inner join identifiers
        on
            known.identifier_kind = identifiers.identifier_kind
            and known.identifier_sha256 = identifiers.identifier_sha256
    inner join customer_keys
        on
            identifiers.source_system = customer_keys.source_system
            and identifiers.source_customer_id = customer_keys.source_customer_id
    group by known.source_system, known.source_suppression_id, customer_keys.customer_id

),

named as (

    select
        known.source_system,
        known.source_suppression_id,
        customer_keys.customer_id
    from known
    {{ join_customer_keys('known', 'customer_source_system') }}
    where known.source_customer_id is not null

),

customers_of_suppressions as (

    select * from matched
    union
    select * from named

),

final as (

    select
        {{ prefixed_id('known.source_system', 'known.source_suppression_id') }} as suppression_id,
        -- an entry of a list may be of nobody that we know, or of several customers who share an address
        customers_of_suppressions.customer_id,
        known.source_system,
        known.channel,
        known.reason,
        known.identifier_kind,
        known.identifier_sha256,
        known.suppressed_at
    from known
    left join customers_of_suppressions
        on
            known.source_system = customers_of_suppressions.source_system
            and known.source_suppression_id = customers_of_suppressions.source_suppression_id

)

select * from final
