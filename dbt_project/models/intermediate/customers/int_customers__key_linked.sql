{#
  Records that share a loyalty card, a valid national id, or an e-mail address and a given name are
  one customer; so are those that are linked through others. Each round hands the number of the record
  seen first to all records that share a key with it; a chain longer than the rounds stays apart.
  Identity resolution will replace this.
#}
{%- set rounds = 4 %}

with

records as (

    select * from {{ ref('int_customers__unioned') }}

),

-- the number is the order in which records were seen: a later record never changes an earlier one's
numbered as (

    select
        *,
        row_number() over (order by first_seen_at, source_system, source_customer_id) as record_number
    from records

),

-- a shared address with one name on it says who the nameless are, with several it does not
named_addresses as (

    select
        email_key,
        min(given_name_root) as given_name_root
    from numbered
    where email_key is not null
    group by email_key
    having count(distinct given_name_root) = 1

),

keyed as (

    select
        record_number,
        1 as strength,
        {{ dbt.concat(["'loyalty card '", 'loyalty_card']) }} as link_key
    from numbered
    where loyalty_card is not null
    union all
    select
        record_number,
        2 as strength,
        {{ dbt.concat(["'national id '", 'national_id']) }} as link_key
    from numbered
    where is_national_id_valid
    union all
    select
        numbered.record_number,
        3 as strength,
        {{ dbt.concat([
            "'e-mail '", 'numbered.email_key', "' '",
            "coalesce(numbered.given_name_root, named_addresses.given_name_root, '')",
        ]) }} as link_key
    from numbered
    left join named_addresses on numbered.email_key = named_addresses.email_key
    where numbered.email_key is not null

),

-- a key that one record has links nothing
key_sizes as (

    select link_key
    from keyed
    group by link_key
    having count(*) > 1

),

links as (

    select
        keyed.record_number,
        keyed.strength,
        keyed.link_key
    from keyed
    inner join key_sizes on keyed.link_key = key_sizes.link_key

),

labels_0 as (

    select distinct
        record_number,
        record_number as label
    from links

),

{% for round in range(1, rounds + 1) %}
key_labels_{{ round }} as (

    select
        links.link_key,
        min(labels_{{ round - 1 }}.label) as label
    from links
    inner join labels_{{ round - 1 }} on links.record_number = labels_{{ round - 1 }}.record_number
    group by links.link_key

),

labels_{{ round }} as (

    select
        links.record_number,
        min(key_labels_{{ round }}.label) as label
    from links
    inner join key_labels_{{ round }} on links.link_key = key_labels_{{ round }}.link_key
    group by links.record_number

),

{% endfor -%}
strongest as (

    select
        record_number,
        min(strength) as strength
    from links
    group by record_number

),

final as (

    select
        numbered.source_system,
        numbered.source_customer_id,
        {{ customer_id('coalesce(first_records.source_system, numbered.source_system)',
            'coalesce(first_records.source_customer_id, numbered.source_customer_id)') }} as customer_id,
        -- an assumption until identity resolution estimates it: addresses are shared in families
        cast(case when strongest.strength = 3 then 0.95 else 1.0 end as double) as match_probability,
        case strongest.strength
            when 1 then 'same loyalty card'
            when 2 then 'same national id'
            when 3 then 'same e-mail and given name'
            else 'same source key'
        end as match_reason,
        numbered.first_seen_at
    from numbered
    left join labels_{{ rounds }} as labels on numbered.record_number = labels.record_number
    left join numbered as first_records on labels.label = first_records.record_number
    left join strongest on numbered.record_number = strongest.record_number

)

select * from final
