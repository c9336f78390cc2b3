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
        'subscribed' as member_status,
        cast(null as {{ dbt.type_timestamp() }}) as unsubscribed_at,
        cast(null as {{ dbt.type_timestamp() }}) as cleaned_at
    from subscribed
    union all
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
        'unsubscribed' as member_status,
        unsubscribed_at,
        cast(null as {{ dbt.type_timestamp() }}) as cleaned_at
    from unsubscribed
    union all
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
        'cleaned' as member_status,
        cast(null as {{ dbt.type_timestamp() }}) as unsubscribed_at,
        coalesce(cleaned_at, last_changed_at) as cleaned_at
    from cleaned

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
