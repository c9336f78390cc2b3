{# Rules about vehicles that the law makes. #}

{#
  Day of the next periodic inspection (ITV) of a passenger car, the given day included: at 4 years from
  the first registration, every 2 years until 10, then every year (Real Decreto 920/2017, article 6).
  NULL without a registration date.
#}
{% macro next_inspection_on(registered_on, day) -%}
    {%- set age = completed_years(registered_on, add_days(day, -1)) -%}
    cast(
            {{ dbt.dateadd("year",
                "case when " ~ age ~ " < 4 then 4 when " ~ age ~ " < 10 then (" ~ age ~ " + 2 - " ~ age ~ " % 2) else " ~ age
                ~ " + 1 end",
                registered_on) }}
            as date
        )
{%- endmacro %}


{# Whole years from one day to a later one, as ages are counted. #}
{% macro completed_years(earlier, later) -%}
    {%- set years = dbt.datediff(earlier, later, "year") -%}
    ({{ years }} - case when {{ dbt.dateadd("year", years, earlier) }} > {{ later }} then 1 else 0 end)
{%- endmacro %}
