{#
  Which openings and clicks of a mailing were made by software. Rules on what a mail service delivers;
  what counts as an opening or click of a person downstream is decided here and nowhere else.
#}

{#
  Whether an opening was made by software: Apple's privacy proxy loads every picture as soon as the
  message arrives, from Apple's network (17.0.0.0/8) and with the bare user agent "Mozilla/5.0"; other
  services prefetch within seconds of the sending, faster than anybody reads.
#}
{% macro is_machine_open(user_agent, ip, sent_at, opened_at) -%}
    (
        coalesce({{ user_agent }} = 'Mozilla/5.0', false)
        or coalesce({{ ip }} like '17.%', false)
        or {{ dbt.datediff(sent_at, opened_at, "second") }} < 5
    )
{%- endmacro %}


{#
  Whether a click was made by a security scanner: within seconds of the sending, or together with clicks
  on every other link of the message within seconds. `clicks_around` counts the recipient's clicks on the
  message in the five seconds before and after, this one included; `links` the campaign's links.
#}
{% macro is_scanner_click(sent_at, clicked_at, clicks_around, links) -%}
    (
        {{ dbt.datediff(sent_at, clicked_at, "second") }} < 10
        or ({{ links }} >= 2 and {{ clicks_around }} >= {{ links }})
    )
{%- endmacro %}
