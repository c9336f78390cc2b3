{# Addresses of web pages: which part of them names a page. #}

{# The path of a page: without scheme, host, parameters, anchor and closing slash; '/' for the root. #}
{% macro page_path(location) -%}
    {%- set without_parameters -%}
    {{ dbt.split_part(dbt.split_part(location, "'?'", 1), "'#'", 1) }}
    {%- endset -%}
    {%- set after_scheme -%}
    replace(replace({{ without_parameters }}, 'https://', ''), 'http://', '')
    {%- endset -%}
    coalesce(
            nullif(rtrim(substring({{ after_scheme }}, nullif(strpos({{ after_scheme }}, '/'), 0)), '/'), ''),
            case when {{ location }} is not null then '/' end
        )
{%- endmacro %}


{# The nth part of a path that begins with a slash, from 1; NULL when there is none. #}
{% macro path_segment(path, place) -%}
    nullif({{ dbt.split_part(path, "'/'", place + 1) }}, '')
{%- endmacro %}
