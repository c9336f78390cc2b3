{# Dates where DuckDB and Spark differ; the other differences are covered by dbt's own macros. #}

{# Whole days from one date to a later one. #}
{% macro days_between(earlier, later) -%}
    {{ dbt.datediff(earlier, later, "day") }}
{%- endmacro %}


{# A date that many days after another; days may be any expression. #}
{% macro add_days(day, days) -%}
    cast({{ dbt.dateadd("day", days, day) }} as date)
{%- endmacro %}


{# Day of the week, 1 = Monday to 7 = Sunday. #}
{% macro iso_weekday(moment) -%}
    {{ return(adapter.dispatch("iso_weekday", "cadencia")(moment)) }}
{%- endmacro %}

{% macro default__iso_weekday(moment) -%}
    cast(extract(isodow from {{ moment }}) as integer)
{%- endmacro %}

{% macro spark__iso_weekday(moment) -%}
    cast(weekday({{ moment }}) + 1 as integer)
{%- endmacro %}


{# Whole number of the hour, 0 to 23. #}
{% macro hour_of_day(moment) -%}
    cast(extract(hour from {{ moment }}) as integer)
{%- endmacro %}


{# A column "date_day" with every day from one date to another, both included. #}
{% macro day_spine(first_day, last_day) -%}
    {{ return(adapter.dispatch("day_spine", "cadencia")(first_day, last_day)) }}
{%- endmacro %}

{% macro default__day_spine(first_day, last_day) -%}
    select cast(unnest(generate_series({{ first_day }}, {{ last_day }}, interval 1 day)) as date) as date_day
{%- endmacro %}

{% macro spark__day_spine(first_day, last_day) -%}
    select explode(sequence({{ first_day }}, {{ last_day }}, interval 1 day)) as date_day
{%- endmacro %}


{# A UTC moment as the clock of a zone shows it; the zone is a name, not an expression. #}
{% macro local_time(moment, zone) -%}
    {{ return(adapter.dispatch("local_time", "cadencia")(moment, zone)) }}
{%- endmacro %}

{% macro default__local_time(moment, zone) -%}
    timezone('{{ zone }}', timezone('UTC', {{ moment }}))
{%- endmacro %}

{% macro spark__local_time(moment, zone) -%}
    from_utc_timestamp({{ moment }}, '{{ zone }}')
{%- endmacro %}
