{#
  Which source system provides which canonical entity, and how the entities are collected.
  The registry is the one place outside models/staging/<system>/ that a new system touches: dbt must
  know every ref() when it parses, before the graph exists. `check_registry` compares it with the
  graph when dbt runs, so that a forgotten line is an error and never a silently missing system.
#}

{% macro entity_registry() %}
    {% do return({
        "customers": [
            "cdnow", "complete_journey", "contact_center", "dms", "ecommerce", "erp", "forms", "mailing",
            "online_retail", "pos",
        ],
        "products": ["cdnow", "complete_journey", "dms", "ecommerce", "erp", "online_retail"],
        "product_compatibilities": ["ecommerce"],
        "stores": ["cdnow", "complete_journey", "dms", "ecommerce", "erp", "online_retail"],
        "orders": ["cdnow", "complete_journey", "dms", "ecommerce", "online_retail", "pos"],
        "order_lines": ["cdnow", "complete_journey", "dms", "ecommerce", "online_retail", "pos"],
        "market_areas": ["market"],
        "repeated_lines": ["online_retail"],
        "campaigns": ["complete_journey", "mailing"],
        "messages": ["complete_journey", "mailing"],
        "responses": ["complete_journey", "mailing"],
        "offers": ["complete_journey"],
        "consents": ["dms", "ecommerce", "erp", "forms", "mailing"],
        "suppressions": ["mailing", "suppression"],
        "vehicles": ["dms"],
        "vehicle_ownerships": ["dms"],
        "vehicle_orders": ["dms"],
        "contracts": ["dms"],
        "leads": ["dms"],
        "workshop_visits": ["dms"],
        "service_cases": ["contact_center"],
        "form_submissions": ["forms"],
        "declared_attributes": ["dms", "forms", "mailing"],
        "product_registrations": ["forms"],
        "web_events": ["web"],
        "contents": ["web"],
    }) %}
{% endmacro %}


{# Source systems of this run, as a list; the variable may be a list or a comma separated text. #}
{% macro enabled_source_systems() %}
    {% set value = var("source_systems") %}
    {% if value is string %}
        {% set value = value.split(",") %}
    {% endif %}
    {% set systems = [] %}
    {% for system in value %}
        {% do systems.append(system | trim) %}
    {% endfor %}
    {% do return(systems) %}
{% endmacro %}


{# Systems that are read whichever the run names: who must not be contacted is so by whatever system. #}
{% macro always_read_systems() %}
    {% do return(["suppression"]) %}
{% endmacro %}


{#
  All rows of an entity from the enabled source systems, in the canonical columns (see
  canonical_columns). Refs every system that provides the entity when dbt parses, so that the
  lineage does not depend on the run; reads only the enabled ones, so a unit test gives those only;
  with none, a typed relation without rows.
#}
{% macro union_enabled(entity) %}
    {%- set enabled = enabled_source_systems() -%}
    {%- set relations = [] -%}
    {%- for system in entity_registry()[entity] -%}
        {%- if system in enabled or system in always_read_systems() or not execute -%}
            {%- set relation = ref("stg_" ~ system ~ "__" ~ entity) -%}
            {%- do relations.append({"system": system, "relation": relation}) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if execute -%}
        {%- do check_registry(entity) -%}
        {%- do check_enabled_source_systems(enabled) -%}
    {%- endif -%}
    {%- for item in relations %}
    select
        '{{ item.system }}' as source_system,
        {%- for column in canonical_columns(entity) %}
        {%- if column.name.endswith("_source_system") %}
        -- the key is one of the row's own system unless the row says otherwise
        coalesce(cast({{ column.name }} as {{ column.type }}), '{{ item.system }}') as {{ column.name }}
        {%- else %}
        cast({{ column.name }} as {{ column.type }}) as {{ column.name }}
        {%- endif %}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ item.relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- else %}
    select
        cast(null as {{ dbt.type_string() }}) as source_system,
        {%- for column in canonical_columns(entity) %}
        cast(null as {{ column.type }}) as {{ column.name }}{{ "," if not loop.last }}
        {%- endfor %}
    where 1 = 0
    {%- endfor %}
{%- endmacro %}


{# Time zone of a source system, from its contract; UTC where there is no graph, as in unit tests. #}
{% macro source_timezone(system) %}
    {% for node in graph.get("sources", {}).values() %}
        {% if node.source_name == system and node.source_meta.get("cadencia", {}).get("timezone") %}
            {% do return(node.source_meta["cadencia"]["timezone"]) %}
        {% endif %}
    {% endfor %}
    {% do return("UTC") %}
{% endmacro %}


{#
  A moment, stored in UTC, as the clock at the source's place showed it: what a customer calls the day
  and the hour of a purchase. One conversion when all enabled systems share a zone.
#}
{% macro source_local_time(moment, source_system) -%}
    {%- set zones = {} -%}
    {%- for system in enabled_source_systems() -%}
        {%- do zones.setdefault(source_timezone(system), []).append(system) -%}
    {%- endfor -%}
    {%- if zones.keys() | list in ([], ["UTC"]) -%}
        {{ moment }}
    {%- elif zones | length == 1 -%}
        {{ local_time(moment, zones.keys() | first) }}
    {%- else -%}
        case
            {%- for zone, systems in zones.items() if zone != "UTC" %}
            when {{ source_system }} in ('{{ systems | join("', '") }}') then {{ local_time(moment, zone) }}
            {%- endfor %}
            else {{ moment }}
        end
    {%- endif -%}
{%- endmacro %}


{#
  Whether a moment of a source lies before the as-of date on the source's own clock; NULL stays NULL.
  Only moments within a day of it are converted to that clock, which costs more than the comparison.
#}
{% macro is_known(moment, source_system, as_of="settings.as_of_date") -%}
    {%- set local = source_local_time(moment, source_system) -%}
    {%- if local | trim == moment | trim -%}
        {{ moment }} < {{ as_of }}
    {%- else -%}
        ({{ moment }} < {{ dbt.dateadd("day", -1, as_of) }}
            or ({{ moment }} < {{ dbt.dateadd("day", 1, as_of) }} and {{ local }} < {{ as_of }}))
    {%- endif -%}
{%- endmacro %}


{# Fails when a staging model of the entity exists that the registry does not name. #}
{% macro check_registry(entity) %}
    {% set suffix = "__" ~ entity %}
    {# unit tests compile without a graph #}
    {% for node in graph.get("nodes", {}).values() %}
        {% if node.resource_type == "model" and node.name.startswith("stg_") and node.name.endswith(suffix) %}
            {% set system = node.name[4 : node.name | length - suffix | length] %}
            {% if system not in entity_registry()[entity] %}
                {% do exceptions.raise_compiler_error(
                    "The model " ~ node.name ~ " (" ~ node.original_file_path ~ ") provides '" ~ entity
                    ~ "' but macros/source_systems.sql does not list '" ~ system ~ "' under '" ~ entity
                    ~ "'. Add it to entity_registry()."
                ) %}
            {% endif %}
        {% endif %}
    {% endfor %}
{% endmacro %}


{# Fails when the run asks for a source system that provides nothing. #}
{% macro check_enabled_source_systems(enabled) %}
    {% set known = [] %}
    {% for systems in entity_registry().values() %}
        {% do known.extend(systems) %}
    {% endfor %}
    {% for system in enabled %}
        {% if system not in known %}
            {% do exceptions.raise_compiler_error(
                "The variable source_systems names '" ~ system ~ "', which has no staging model. Known: "
                ~ known | unique | sort | join(", ") ~ "."
            ) %}
        {% endif %}
    {% endfor %}
{% endmacro %}
