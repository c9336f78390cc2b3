{# A view: what it reads is a table, and the as-of cut was made before that was written. #}
{{ config(materialized="view") }}

with

records as (

    select * from {{ source('identity', 'customer_records') }}

),

final as (

    select
        records.source_system,
        records.source_customer_id,
        records.is_company,
        records.is_name_valid,
        records.given_name,
        records.given_name_root,
        records.surname_1,
        records.surname_2,
        records.is_email_valid,
        records.email,
        records.email_key,
        -- a number counts as what it is, not as what the column it stood in is called
        case
            when records.is_mobile_phone_valid and records.mobile_phone_kind = 'mobile' then records.mobile_phone
            when records.is_phone_valid and records.phone_kind = 'mobile' then records.phone
        end as mobile_phone,
        case
            when records.is_phone_valid and records.phone_kind <> 'mobile' then records.phone
            when records.is_mobile_phone_valid and records.mobile_phone_kind <> 'mobile' then records.mobile_phone
        end as landline_phone,
        records.is_national_id_valid,
        records.national_id,
        records.national_id_kind,
        records.is_address_parsed,
        records.street,
        records.street_type,
        records.street_name,
        records.street_number,
        records.floor,
        records.door,
        records.city,
        records.is_postal_code_valid,
        records.postal_code,
        records.province_code,
        records.municipality_code,
        records.country_code,
        records.is_birth_date_valid,
        records.birth_date,
        records.gender,
        records.loyalty_card,
        records.age_band,
        records.income_band,
        records.household_size,
        records.household_composition,
        records.home_ownership,
        records.marital_status,
        records.kids_count,
        -- an address on file that can't be one reaches nobody
        coalesce(records.is_email_valid, records.has_email, false) as has_email,
        coalesce(
            records.is_phone_valid or records.is_mobile_phone_valid,
            records.is_mobile_phone_valid,
            records.is_phone_valid,
            records.has_phone,
            false
        ) as has_phone,
        coalesce(records.has_postal_address, false)
        or (records.street is not null and records.is_postal_code_valid) as has_postal_address,
        coalesce(records.has_push, false) as has_push,
        coalesce(records.record_updated_at, records.first_seen_at) as record_updated_at,
        records.first_seen_at
    from records

)

select * from final
