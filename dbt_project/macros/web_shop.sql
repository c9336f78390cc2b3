{# What exports of web shops have in common: notes in one cell, paths of a taxonomy, dates of deliveries. #}

{# The value of a note in a cell of lines name=value, each after a line's end; NULL without it. #}
{% macro note_value(notes, name) -%}
    nullif(trim({{ dbt.split_part(dbt.split_part(notes, "'\n" ~ name ~ "='", 2), "'\n'", 1) }}), '')
{%- endmacro %}


{# A level of a path 'A > B > C', 1 the coarsest; NULL when the path is shorter. #}
{% macro taxonomy_level(path, level) -%}
    nullif(trim({{ dbt.split_part(path, "'>'", level) }}), '')
{%- endmacro %}


{#
  The moment of a delivery from _delivery, '<date>|<file>' with the date as digits: 22:00 UTC of the day,
  or of the last day of the month when the file names only a month; NULL when it names none.
#}
{% macro delivered_at(delivery) -%}
    {%- set month = dbt.concat(["substring(" ~ delivery ~ ", 1, 4)", "'-'", "substring(" ~ delivery ~ ", 5, 2)"]) -%}
    {%- set day = dbt.concat([month, "'-'", "substring(" ~ delivery ~ ", 7, 2)"]) -%}
    {%- set day = "try_cast(" ~ day ~ " as " ~ dbt.type_timestamp() ~ ")" -%}
    {%- set first_day = "try_cast(" ~ dbt.concat([month, "'-01'"]) ~ " as " ~ dbt.type_timestamp() ~ ")" -%}
    coalesce(
        {{ dbt.dateadd("hour", 22, day) }},
        {{ dbt.dateadd("hour", -2, dbt.dateadd("month", 1, first_day)) }}
    )
{%- endmacro %}
