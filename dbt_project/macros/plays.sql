{#
  What every play has in common: the columns that it hands to the contact plan and the check that it
  did so. A play is one SQL file in models/plays; everything here applies to it without registration.
  prior_incremental_response_share in a play's meta is an assumption until measurement replaces it.
#}

{#
  The columns of a play, from a relation with customer_id, due_at, reason, expected_order_value and,
  when the play has them, offer, recommended_category and recommended_product_ids. Keeps what is due
  and still valid on the as-of date; valid_until is due_at plus the play's validity. A row of a play that
  profiles is a conclusion about a person, so whoever may not be profiled has none.
#}
{% macro play_output(candidates, play, optional_columns=[]) %}
    select
        candidates.customer_id,
        cast(candidates.due_at as date) as due_at,
        {{ add_days("candidates.due_at", play.validity_days) }} as valid_until,
        cast(candidates.reason as {{ dbt.type_string() }}) as reason,
        cast(candidates.expected_order_value as double) as expected_order_value,
        {%- for column in ["offer", "recommended_category", "recommended_product_ids"] %}
        {%- if column in optional_columns %}
        cast(candidates.{{ column }} as {{ dbt.type_string() }}) as {{ column }}
        {%- else %}
        cast(null as {{ dbt.type_string() }}) as {{ column }}
        {%- endif %}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ candidates }} as candidates
    where
        candidates.due_at <= {{ as_of_date() }}
        and {{ add_days("candidates.due_at", play.validity_days) }} >= {{ as_of_date() }}
        {%- if play.uses_profiling %}
        and candidates.customer_id in (
            select legal_standing.customer_id
            from {{ ref("int_customers__legal_standing") }} as legal_standing
            where legal_standing.is_profiling_allowed
        )
        {%- endif %}
{% endmacro %}


{# A sentence from parts; parts that are not text are cast. #}
{% macro sentence(parts) -%}
    {%- set texts = [] -%}
    {%- for part in parts -%}
        {%- do texts.append("cast(" ~ part ~ " as " ~ dbt.type_string() ~ ")") -%}
    {%- endfor -%}
    {{ dbt.concat(texts) }}
{%- endmacro %}


{# A number of days as whole text. #}
{% macro whole_days(expression) -%}
    cast(round({{ expression }}) as integer)
{%- endmacro %}


{# Hook of the plays folder: fails the model when a play's meta or rows break the contract. #}
{% macro check_play() %}
    {% if execute and model.name.startswith("play_") %}
        {% do check_play_meta(model) %}
        {% set required = ["customer_id", "due_at", "valid_until", "reason", "expected_order_value"] %}
        {% set expected = required + ["offer", "recommended_category", "recommended_product_ids"] %}
        {% set found = adapter.get_columns_in_relation(this) | map(attribute="name") | list %}
        {% if found != expected %}
            {% do exceptions.raise_compiler_error(
                "The play " ~ model.name ~ " has the columns " ~ found | join(", ") ~ " instead of "
                ~ expected | join(", ") ~ ". End it with play_output()."
            ) %}
        {% endif %}
        {% set query %}
            select
                count(*) - count(distinct customer_id) as repeated_customers,
                {%- for column in required %}
                count(*) - count({{ column }}) as missing_{{ column }}{{ "," if not loop.last }}
                {%- endfor %}
            from {{ this }}
        {% endset %}
        {% set results = run_query(query) %}
        {% for column in results.columns %}
            {% if column.values()[0] > 0 %}
                {% do exceptions.raise_compiler_error(
                    "The play " ~ model.name ~ " breaks its contract: " ~ column.values()[0] ~ " "
                    ~ column.name | replace("_", " ") ~ ". A play has one complete row per customer."
                ) %}
            {% endif %}
        {% endfor %}
    {% endif %}
{% endmacro %}


{# Fails when the meta of a play lacks a field or a value is not allowed. #}
{% macro check_play_meta(node) %}
    {% set play = (node.config.meta or {}).get("cadencia", {}).get("play", {}) %}
    {% for field in [
        "title", "title_es", "line_of_business", "lifecycle_stage", "category", "goal", "kpi",
        "consent_purpose", "legal_basis", "uses_profiling", "channels", "template", "offer_is_discount", "priority", "cooldown_days",
        "validity_days", "prior_incremental_response_share", "is_automatic",
    ] %}
        {% if field not in play %}
            {% do exceptions.raise_compiler_error(
                "The play " ~ node.name ~ " (" ~ node.original_file_path ~ ") lacks meta.cadencia.play."
                ~ field ~ ". Add it to the config at the top of the file."
            ) %}
        {% endif %}
    {% endfor %}
    {% set categories = ["Ciclo", "Producto-precio", "Online", "Campañas", "Institucional", "Punto de venta"] %}
    {% if play.category not in categories %}
        {% do exceptions.raise_compiler_error(
            "The play " ~ node.name ~ " has the category '" ~ play.category ~ "'. Allowed: "
            ~ categories | join(", ") ~ "."
        ) %}
    {% endif %}
    {# Which basis fits which channel and purpose is checked when the graph loads (ml/contact_plan/play_meta). #}
    {% set known_bases = ["consent", "soft_opt_in", "contract", "legitimate_interest"] %}
    {% set bases = play.legal_basis.values() | list if play.legal_basis is mapping else [play.legal_basis] %}
    {% for basis in bases if basis not in known_bases %}
        {% do exceptions.raise_compiler_error(
            "The play " ~ node.name ~ " has the legal basis '" ~ basis ~ "'. Allowed: "
            ~ known_bases | join(", ") ~ "."
        ) %}
    {% endfor %}
{% endmacro %}


{# The first three values of a group, best first, comma separated. #}
{% macro first_three(value, place) -%}
    {{ dbt.concat([
        "max(case when " ~ place ~ " = 1 then " ~ value ~ " end)",
        "coalesce(" ~ dbt.concat(["','", "max(case when " ~ place ~ " = 2 then " ~ value ~ " end)"]) ~ ", '')",
        "coalesce(" ~ dbt.concat(["','", "max(case when " ~ place ~ " = 3 then " ~ value ~ " end)"]) ~ ", '')",
    ]) }}
{%- endmacro %}
