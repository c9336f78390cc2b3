{# Quintile scores with ties kept together, and weighted means. #}

{#
  Position of a row in an ordering, in (0, 1): rows with equal values share the middle of the places
  that they take up, so that a score never separates customers who behave alike.
#}
{% macro midrank(ordering, value) -%}
    (rank() over (order by {{ ordering }}) - 1 + (count(*) over (partition by {{ value }}) + 1) / 2.0 - 0.5)
        / cast(count(*) over () as double)
{%- endmacro %}


{# Score 1 (lowest fifth) to 5 (highest fifth) of a position. #}
{% macro quintile(position) -%}
    cast(least(5, floor(5 * {{ position }}) + 1) as integer)
{%- endmacro %}


{#
  Mean of a value weighted by another, of the rows that have it. A decimal: the sum of doubles depends on
  the order of its rows.
#}
{% macro weighted_mean(value, weight) -%}
    cast(
        sum({{ value }} * {{ weight }})
        / nullif(sum(case when {{ value }} is not null then {{ weight }} end), 0) as decimal(18, 4)
    )
{%- endmacro %}
