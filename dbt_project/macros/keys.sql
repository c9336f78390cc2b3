{# Keys and the as-of date: how our identifiers are made of those of a source. #}

{#
  Identifier of a customer record: '<system>:<source id>'; NULL when one of them is. Identity resolution
  makes the customer_id of it (ml/identity/golden); everything else looks it up by join_customer_keys().
#}
{% macro record_id(source_system, source_customer_id) -%}
    {{ dbt.concat([source_system, "':'", source_customer_id]) }}
{%- endmacro %}


{#
  Join that gives each row of a relation the customer to whom its source key belongs:
  customer_keys.customer_id, NULL for a guest and for a key that no source describes. The model imports
  int_customers__identified as the CTE customer_keys; system is the column that says whose key it is.
#}
{% macro join_customer_keys(relation, system="source_system") -%}
    left join customer_keys
        on
            {{ relation }}.{{ system }} = customer_keys.source_system
            and {{ relation }}.source_customer_id = customer_keys.source_customer_id
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


{# Hash of the values of a row; a NULL and an empty text differ. #}
{% macro record_hash(columns, relation) -%}
    {%- set parts = [] -%}
    {%- for column in columns -%}
        {%- do parts.append(
            "coalesce(cast(" ~ relation ~ "." ~ column ~ " as " ~ dbt.type_string() ~ "), '~')"
        ) -%}
        {%- do parts.append("'|'") -%}
    {%- endfor -%}
    {{ dbt.hash(dbt.concat(parts)) }}
{%- endmacro %}


{#
  Identifier of a vehicle: 'V' and the first 16 hexadecimal digits of the MD5 of '<system>:<source id>',
  which is the identification number stamped into the car and leads to its keeper.
#}
{% macro vehicle_id(source_system, source_vehicle_id) -%}
    {%- set digest = dbt.hash(dbt.concat([source_system, "':'", source_vehicle_id])) -%}
    {{ dbt.concat(["'V'", "substring(" ~ digest ~ ", 1, 16)"]) }}
{%- endmacro %}


{# Key of a vehicle model as a product: make and model. #}
{% macro vehicle_model_id(make, model) -%}
    {{ dbt.concat([make, "' '", model]) }}
{%- endmacro %}
