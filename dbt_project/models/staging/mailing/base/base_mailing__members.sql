{%- set statuses = ['subscribed', 'unsubscribed', 'cleaned'] -%}
{%- set no_moment = 'cast(null as ' ~ dbt.type_timestamp() ~ ')' -%}

with

subscribed as (

    select * from {{ source('mailing', 'subscribed_members') }}

),

unsubscribed as (

    select * from {{ source('mailing', 'unsubscribed_members') }}

),

cleaned as (

    select * from {{ source('mailing', 'cleaned_members') }}

),

renamed as (

    {% for status in statuses %}
    select
        lower(trim(email_address)) as source_customer_id,
        euid,
        trim(email_address) as email,
        first_name as given_name,
        last_name as surnames,
        phone_number as phone,
        postal_code,
        preferred_channel,
        opted_in_at,
        confirmed_at,
        last_changed_at,
        '{{ status }}' as member_status,
        {{ 'unsubscribed_at' if status == 'unsubscribed' else no_moment }} as unsubscribed_at,
        {{ 'coalesce(cleaned_at, last_changed_at)' if status == 'cleaned' else no_moment }} as cleaned_at
    from {{ status }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- the same address in two spellings, or in two of the files: the newest counts
ranked as (

    select
        *,
        row_number() over (
            partition by source_customer_id order by last_changed_at desc, member_status desc, email
        ) as place
    from renamed

),

final as (

    select * from ranked
    where place = 1

)

select * from final
