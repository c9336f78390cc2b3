{# Aggregates where DuckDB and Spark differ. #}

{# Distinct texts of a group, sorted, comma separated. #}
{% macro distinct_texts(expression) -%}
    {{ return(adapter.dispatch("distinct_texts", "cadencia")(expression)) }}
{%- endmacro %}

{% macro default__distinct_texts(expression) -%}
    string_agg(distinct {{ expression }}, ',' order by {{ expression }})
{%- endmacro %}

{% macro spark__distinct_texts(expression) -%}
    array_join(sort_array(collect_set({{ expression }})), ',')
{%- endmacro %}
