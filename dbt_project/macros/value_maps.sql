{#
  The value that a code of a source system stands for, from the seed value_maps; case and surrounding
  blanks of the code don't matter. What is not listed is NULL, or the expression `otherwise`.
  The engines turn the subquery into one hash join. A unit test of a model that uses it gives
  ref('value_maps') as an input.
#}
{% macro mapped_value(source_system, field, code, otherwise=none) -%}
    {%- set subquery -%}
    (
        select max(value_maps.value)
        from {{ ref("value_maps") }} as value_maps
        where
            value_maps.source_system = '{{ source_system }}'
            and value_maps.field = '{{ field }}'
            and value_maps.source_value = lower(trim({{ code }}))
    )
    {%- endset -%}
    {%- if otherwise is none -%} {{ subquery }} {%- else -%} coalesce({{ subquery }}, {{ otherwise }}) {%- endif -%}
{%- endmacro %}
