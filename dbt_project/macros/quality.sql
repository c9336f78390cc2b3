{#
  What the normalisation knows of each field of a customer record: the value as delivered, the
  flag of its validity, the value that should be one customer's own, and what it should agree with
  (is_comparable: both sides are known; is_consistent: they agree). None where there is no such thing.
#}
{% macro customer_fields() %}
    {% do return([
        {"field": "name", "raw": "coalesce(full_name_raw, given_name_raw, surnames_raw)", "flag": "is_name_valid",
         "issue": "name_issue"},
        {"field": "email", "raw": "email_raw", "flag": "is_email_valid", "key": "email_key", "issue": "email_issue"},
        {"field": "phone", "raw": "phone_raw", "flag": "is_phone_valid", "key": "phone", "issue": "phone_issue"},
        {"field": "mobile_phone", "raw": "mobile_phone_raw", "flag": "is_mobile_phone_valid", "key": "mobile_phone",
         "issue": "mobile_phone_issue", "is_comparable": "mobile_phone_kind is not null",
         "is_consistent": "mobile_phone_kind = 'mobile'"},
        {"field": "national_id", "raw": "national_id_raw", "flag": "is_national_id_valid", "key": "national_id",
         "issue": "national_id_issue",
         "is_comparable": "national_id_kind in ('nif', 'nie', 'cif') and is_company is not null",
         "is_consistent": "(national_id_kind = 'cif') = is_company"},
        {"field": "address", "raw": "street_raw", "flag": "is_address_parsed", "issue": "address_issue"},
        {"field": "postal_code", "raw": "postal_code_raw", "flag": "is_postal_code_valid", "issue": "postal_code_issue",
         "is_comparable": "postal_code is not null and province_name_raw is not null",
         "is_consistent": "coalesce(postal_code_issue, '') not like '%province_mismatch%'"},
        {"field": "birth_date", "raw": "coalesce(cast(birth_date_raw as " ~ dbt.type_string() ~ "), birth_date_text_raw)", "flag": "is_birth_date_valid", "issue": "birth_date_issue"},
        {"field": "gender", "raw": "gender"},
        {"field": "loyalty_card", "raw": "loyalty_card", "key": "loyalty_card"},
    ]) %}
{% endmacro %}


{# Share of the rows that meet a condition, of those that meet another; NULL when none does. #}
{% macro share_of(condition, among="true") -%}
    cast(sum(case when ({{ among }}) and ({{ condition }}) then 1 else 0 end) as double)
    / nullif(sum(case when {{ among }} then 1 else 0 end), 0)
{%- endmacro %}


{# How timely data is on the as-of date: 1 up to the age allowed, then falling as age grows. #}
{% macro timeliness(newest_on, within_days) -%}
    case
        when {{ newest_on }} is null or {{ within_days }} is null then null
        when {{ days_between(newest_on, as_of_date()) }} <= {{ within_days }} then 1.0
        else cast({{ within_days }} as double) / {{ days_between(newest_on, as_of_date()) }}
    end
{%- endmacro %}
