{# Schemas are part of the public contract (marts, ml, plan, ...): never prefix them with a target's name. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
