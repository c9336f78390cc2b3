{# What a consent can be about, and who may be contacted although nobody consented: the words of all consent models. #}

{# Channels by which a customer can be contacted; the key of each rule everywhere else. #}
{% macro contact_channels() %}
    {% do return(["email", "sms", "whatsapp", "push", "phone", "post"]) %}
{% endmacro %}


{#
  Which purpose and channel an event speaks of, as rows (said_purpose, said_channel, purpose, channel).
  An event of the channel 'all' speaks of every channel. A purpose or channel that no value map knows is
  'unknown': that of a withdrawal stands for every one, that of anything else for none (the model keeps
  the rows of withdrawals only). Profiling is not done by a channel, so any channel will do.
#}
{% macro consent_scopes() -%}
    {%- set scopes = [] -%}
    {%- for purpose in ["marketing", "third_parties"] -%}
        {%- for channel in contact_channels() -%}
            {%- do scopes.append([purpose, channel, [channel, "all", "unknown"]]) -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- do scopes.append(["profiling", "all", contact_channels() + ["all", "unknown"]]) -%}
    {%- for purpose, channel, said_channels in scopes -%}
        {%- set is_last_scope = loop.last -%}
        {%- for said_channel in said_channels -%}
            {%- set is_last_channel = loop.last -%}
            {%- for said_purpose in [purpose, "unknown"] %}
    select
        '{{ said_purpose }}' as said_purpose,
        '{{ said_channel }}' as said_channel,
        '{{ purpose }}' as purpose,
        '{{ channel }}' as channel
    {{ "union all" if not (loop.last and is_last_channel and is_last_scope) }}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}


{# A value of a list, or 'unknown'; NULL is what the caller says. #}
{% macro known_or_unknown(value, known, when_null) -%}
    case
        when {{ value }} is null then '{{ when_null }}'
        when {{ value }} in ('{{ known | join("', '") }}') then {{ value }}
        else 'unknown'
    end
{%- endmacro %}
