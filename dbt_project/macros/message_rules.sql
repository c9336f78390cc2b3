{#
  Which openings and clicks of a mailing were made by software. Rules on what a mail service delivers;
  what counts as an opening or click of a person downstream is decided here and nowhere else.
#}

{# Seconds from the sending within which nobody has received, read and followed a message. #}
{% macro software_seconds() -%} 20 {%- endmacro %}


{# Whether the software that asked for a page is a scanner that follows links to check them. #}
{% macro is_scanner_agent(user_agent) -%}
    (
        {% for name in ["safelinks", "barracuda", "proofpoint", "mimecast"] -%}
        coalesce(lower({{ user_agent }}) like '%{{ name }}%', false){{ " or " if not loop.last }}
        {%- endfor %}
    )
{%- endmacro %}


{#
  Whether an opening was made by software: Apple's privacy proxy loads every picture some time after the
  message arrives, from Apple's network (17.0.0.0/8) and with the bare user agent "Mozilla/5.0"; scanners
  name themselves or are faster than anybody reads.
#}
{% macro is_machine_open(user_agent, ip, sent_at, opened_at) -%}
    (
        coalesce({{ user_agent }} = 'Mozilla/5.0', false)
        or coalesce({{ ip }} like '17.%', false)
        or {{ is_scanner_agent(user_agent) }}
        or {{ dbt.datediff(sent_at, opened_at, "second") }} < {{ software_seconds() }}
    )
{%- endmacro %}


{#
  Whether a click was made by a security scanner: it names itself, is within seconds of the sending, or
  comes with clicks on every other link of the message within seconds. `clicks_around` counts the
  recipient's clicks on the message in the five seconds before and after, this one included; `links` the
  campaign's links.
#}
{% macro is_scanner_click(user_agent, sent_at, clicked_at, clicks_around, links) -%}
    (
        {{ is_scanner_agent(user_agent) }}
        or {{ dbt.datediff(sent_at, clicked_at, "second") }} < {{ software_seconds() }}
        or ({{ links }} >= 2 and {{ clicks_around }} >= {{ links }})
    )
{%- endmacro %}
