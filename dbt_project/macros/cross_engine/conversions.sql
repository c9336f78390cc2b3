{# Conversions that DuckDB and Spark name differently: hashes, digits, epochs. #}

{# The digits of a text, all else removed; '' when there are none. #}
{% macro digits_only(value) -%}
    {{ return(adapter.dispatch("digits_only", "cadencia")(value)) }}
{%- endmacro %}

{% macro default__digits_only(value) -%}
    regexp_replace({{ value }}, '[^0-9]', '', 'g')
{%- endmacro %}

{% macro spark__digits_only(value) -%}
    regexp_replace({{ value }}, '[^0-9]', '')
{%- endmacro %}


{# SHA-256 of a text, 64 hexadecimal digits in lower case. #}
{% macro sha256_hex(value) -%}
    {{ return(adapter.dispatch("sha256_hex", "cadencia")(value)) }}
{%- endmacro %}

{% macro default__sha256_hex(value) -%}
    sha256({{ value }})
{%- endmacro %}

{% macro spark__sha256_hex(value) -%}
    sha2({{ value }}, 256)
{%- endmacro %}


{# The UTC time of a number of microseconds since 1970. #}
{% macro moment_from_microseconds(value) -%}
    {{ return(adapter.dispatch("moment_from_microseconds", "cadencia")(value)) }}
{%- endmacro %}

{% macro default__moment_from_microseconds(value) -%}
    make_timestamp({{ value }})
{%- endmacro %}

{% macro spark__moment_from_microseconds(value) -%}
    timestamp_micros({{ value }})
{%- endmacro %}


{# Seconds since 1970 of a time, whole. #}
{% macro epoch_seconds(moment) -%}
    {{ return(adapter.dispatch("epoch_seconds", "cadencia")(moment)) }}
{%- endmacro %}

{% macro default__epoch_seconds(moment) -%}
    cast(floor(epoch({{ moment }})) as bigint)
{%- endmacro %}

{% macro spark__epoch_seconds(moment) -%}
    unix_timestamp({{ moment }})
{%- endmacro %}
