{# Keys and the as-of date: how our identifiers are made of those of a source. #}

{#
  Identifier of a customer: 'C' and the first 16 hexadecimal digits of the MD5 of
  '<system>:<source id>'; NULL for a guest. Identity resolution will replace it by a lookup.
#}
{% macro customer_id(source_system, source_customer_id) -%}
    {%- set digest = dbt.hash(dbt.concat([source_system, "':'", source_customer_id])) -%}
    {{ dbt.concat(["'C'", "substring(" ~ digest ~ ", 1, 16)"]) }}
{%- endmacro %}


{# Identifier of anything else: '<system>-<source id>'; NULL when the source id is NULL. #}
{% macro prefixed_id(source_system, source_id) -%}
    {{ dbt.concat([source_system, "'-'", source_id]) }}
{%- endmacro %}


{# ISO 4217 code of the amounts of the run, as a scalar subquery on the one-row ops.settings. #}
{% macro reporting_currency() -%}
    (select settings.reporting_currency from {{ source("ops", "settings") }} as settings)
{%- endmacro %}


{# First day that the warehouse does not know, as a scalar subquery on the one-row ops.settings. #}
{% macro as_of_date() -%}
    (select settings.as_of_date from {{ source("ops", "settings") }} as settings)
{%- endmacro %}
