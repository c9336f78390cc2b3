{# Text where DuckDB and Spark differ: dates in it, lists in it. Dirty text gives NULL, never an error. #}

{# A date from text of one of the forms dd/mm/yyyy and yyyy-mm-dd; NULL for anything else. #}
{% macro date_from_text(value) -%}
    {{ return(adapter.dispatch("date_from_text", "cadencia")(value)) }}
{%- endmacro %}

{% macro default__date_from_text(value) -%}
    cast(coalesce(try_strptime({{ value }}, '%d/%m/%Y'), try_strptime({{ value }}, '%Y-%m-%d')) as date)
{%- endmacro %}

{% macro spark__date_from_text(value) -%}
    coalesce(try_to_timestamp({{ value }}, 'd/M/y'), try_to_timestamp({{ value }}, 'y-M-d'))
{%- endmacro %}


{# One row for each part of a text; stands in a select list. #}
{% macro split_to_rows(value, separator) -%}
    {{ return(adapter.dispatch("split_to_rows", "cadencia")(value, separator)) }}
{%- endmacro %}

{% macro default__split_to_rows(value, separator) -%}
    unnest(string_split({{ value }}, '{{ separator }}'))
{%- endmacro %}

{% macro spark__split_to_rows(value, separator) -%}
    explode(split({{ value }}, '[{{ separator }}]'))
{%- endmacro %}


{# Text without surrounding blanks and without the apostrophe that keeps spreadsheets from rounding it. #}
{% macro without_apostrophe(value) -%}
    nullif(trim(replace({{ value }}, '''', '')), '')
{%- endmacro %}


{# A whole number with points between its thousands, as the INE writes it; a lone point is NULL. #}
{% macro thousands_to_integer(value) -%}
    try_cast(replace(replace({{ value }}, '.', ''), ' ', '') as bigint)
{%- endmacro %}


{# Text as it may stand between the quotes of JSON; 92 is the backslash, 34 the quote. #}
{% macro json_escaped(value) -%}
    replace(
        replace({{ value }}, chr(92), {{ dbt.concat(["chr(92)", "chr(92)"]) }}),
        chr(34), {{ dbt.concat(["chr(92)", "chr(34)"]) }}
    )
{%- endmacro %}


{# The characters of a text that stand in a class of a regular expression, all else removed. #}
{% macro characters_only(value, characters) -%}
    {{ return(adapter.dispatch("characters_only", "cadencia")(value, characters)) }}
{%- endmacro %}

{% macro default__characters_only(value, characters) -%}
    regexp_replace({{ value }}, '[^{{ characters }}]', '', 'g')
{%- endmacro %}

{% macro spark__characters_only(value, characters) -%}
    regexp_replace({{ value }}, '[^{{ characters }}]', '')
{%- endmacro %}
