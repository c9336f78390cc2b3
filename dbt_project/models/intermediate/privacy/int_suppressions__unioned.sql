{#
  Lists name people by hash, in one of several spellings of the same value: ours, and those of the Spanish
  list (Servicio de Lista Robinson), which puts the number of a channel before the value. Every spelling of
  every identifier of every record is tried, so that a merge, an old address or another file can hide nobody.
#}
{%- set spellings = [
    ('email', 'email', none),
    ('email', 'email_key', none),
    ('email', "'02' || " ~ characters_only('email', 'a-z0-9.@_+-'), none),
] -%}
{%- for column in ['mobile_phone', 'landline_phone'] -%}
    {%- do spellings.extend([
        ('phone', column, none),
        ('phone', digits_only(column), none),
        ('phone', "'00' || " ~ digits_only(column), none),
        ('phone', "case when " ~ column ~ " like '+34%' then substring(" ~ column ~ ", 4) end", none),
        ('phone', "'0300' || " ~ digits_only(column), 'sms'),
        ('phone', "'0400' || " ~ digits_only(column), 'phone'),
    ]) -%}
{%- endfor -%}
{%- do spellings.extend([
    ('national_id', 'national_id', none),
    ('national_id', 'lower(national_id)', none),
    ('national_id', "'00' || " ~ characters_only('lower(national_id)', '0-9a-hj-npq-tv-z'), none),
    ('record', record_id('source_system', 'source_customer_id'), none),
]) %}

with

suppressions as (

    {{ union_enabled('suppressions') }}

),

own_list as (

    select * from {{ source('privacy', 'suppressions') }}

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

known as (

    select
        suppressions.source_system,
        suppressions.source_suppression_id,
        suppressions.customer_source_system,
        suppressions.source_customer_id,
        suppressions.channel,
        suppressions.reason,
        suppressions.identifier_kind,
        suppressions.identifier_sha256,
        suppressions.suppressed_at
    from suppressions
    cross join settings
    where
        -- the as-of cut; an entry without a date has always been there
        coalesce({{ is_known('suppressions.suppressed_at', 'suppressions.source_system') }}, true)
        and not coalesce({{ is_known('suppressions.lifted_at', 'suppressions.source_system') }}, false)
    union all
    -- what we were told ourselves holds for every as-of date: it corrects what may be done, and is no event
    select
        'cadencia' as source_system,
        entry_id as source_suppression_id,
        'cadencia' as customer_source_system,
        cast(null as {{ dbt.type_string() }}) as source_customer_id,
        case when purpose = 'profiling' then 'profiling' else channel end as channel,
        'own_list' as reason,
        identifier_kind,
        identifier_sha256,
        suppressed_at
    from own_list

),

kinds as (

    select distinct identifier_kind from known

),

spelt as (

    {% for kind, spelling, channel in spellings %}
    select
        source_system,
        source_customer_id,
        '{{ kind }}' as identifier_kind,
        {{ spelling }} as spelling,
        {{ "'" ~ channel ~ "'" if channel else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as hashed_channel
    from customers
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- hashing is what costs: nothing is hashed that no list could name
identifiers as (

    select
        spelt.source_system,
        spelt.source_customer_id,
        spelt.identifier_kind,
        spelt.hashed_channel,
        {{ sha256_hex('spelt.spelling') }} as identifier_sha256
    from spelt
    inner join kinds on spelt.identifier_kind = kinds.identifier_kind
    where spelt.spelling is not null

),

matched as (

    select
        known.source_system,
        known.source_suppression_id,
        customer_keys.customer_id,
        max(identifiers.hashed_channel) as hashed_channel
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

    select
        source_system,
        source_suppression_id,
        customer_id,
        max(hashed_channel) as hashed_channel
    from (
        select * from matched
        union all
        select
            named.*,
            cast(null as {{ dbt.type_string() }}) as hashed_channel
        from named
    ) as found
    group by source_system, source_suppression_id, customer_id

),

final as (

    select
        {{ prefixed_id('known.source_system', 'known.source_suppression_id') }} as suppression_id,
        -- an entry of a list may be of nobody that we know, or of several customers who share an address
        customers_of_suppressions.customer_id,
        known.source_system,
        -- the hash itself may say whether calls or text messages are meant
        coalesce(customers_of_suppressions.hashed_channel, known.channel) as channel,
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
