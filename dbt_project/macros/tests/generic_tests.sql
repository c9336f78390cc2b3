{# Generic data tests; dbt packages cannot be downloaded where this runs. Each returns the rows that fail. #}

{% test unique_combination(model, columns) %}
select
    {{ columns | join(", ") }},
    count(*) as occurrences
from {{ model }}
group by {{ columns | join(", ") }}
having count(*) > 1
{% endtest %}


{% test expression_is_true(model, expression, column_name=none) %}
select *
from {{ model }}
where not coalesce({{ column_name ~ " " if column_name else "" }}{{ expression }}, false)
{% endtest %}


{# NULLs pass; say not_null apart. #}
{% test accepted_range(model, column_name, minimum=none, maximum=none) %}
select {{ column_name }}
from {{ model }}
where
    {% if minimum is not none %}{{ column_name }} < {{ minimum }}{% else %}1 = 0{% endif %}
    or {% if maximum is not none %}{{ column_name }} > {{ maximum }}{% else %}1 = 0{% endif %}
{% endtest %}


{% test row_count_equals(model, count) %}
select count(*) as rows_found
from {{ model }}
having count(*) <> {{ count }}
{% endtest %}


{# One aggregate, computed on both relations, must give the same value (NULL counts as 0). #}
{% test same_aggregate_as(model, expression, relation, relation_expression=none) %}
select
    here.amount as amount_here,
    there.amount as amount_there
from (select coalesce({{ expression }}, 0) as amount from {{ model }}) as here
cross join (select coalesce({{ relation_expression or expression }}, 0) as amount from {{ relation }}) as there
where here.amount <> there.amount
{% endtest %}


{# None of the columns is NULL anywhere: one scan instead of one per column. #}
{% test columns_not_null(model, columns) %}
select {{ columns | join(", ") }}
from {{ model }}
where
    {% for column in columns -%}
    {{ "or " if not loop.first }}{{ column }} is null
    {% endfor %}
{% endtest %}
