{#
  The canonical columns of each entity: what a staging model stg_<system>__<entity> must provide,
  in this order, with these types. Keys are those of the source; the intermediate models turn them
  into ours. A system that lacks an attribute provides a typed NULL.
#}
{% macro canonical_columns(entity) %}
    {%- set text = dbt.type_string() -%}
    {%- set amount = "decimal(18, 4)" -%}
    {%- set moment = dbt.type_timestamp() -%}
    {%- set flag = dbt.type_boolean() -%}
    {%- set entities = {
        "customers": [
            ["source_customer_id", text], ["given_name", text], ["surname_1", text], ["surname_2", text],
            ["email", text], ["phone", text], ["national_id", text], ["street", text], ["city", text],
            ["postal_code", text], ["province_code", text], ["municipality_code", text],
            ["country_code", text], ["gender", text], ["loyalty_card", text], ["age_band", text],
            ["income_band", text], ["household_size", text], ["household_composition", text],
            ["home_ownership", text], ["marital_status", text], ["kids_count", text],
            ["has_email", flag], ["has_phone", flag], ["has_postal_address", flag], ["has_push", flag],
            ["birth_date", "date"], ["first_seen_at", moment],
        ],
        "products": [
            ["source_product_id", text], ["product_name", text], ["department", text],
            ["category", text], ["product_type", text], ["brand", text], ["manufacturer_id", text],
            ["package_size", text], ["is_recommendable", flag],
        ],
        "stores": [
            ["source_store_id", text], ["store_name", text], ["channel", text],
            ["first_seen_at", moment],
        ],
        "orders": [
            ["source_order_id", text], ["source_customer_id", text], ["source_store_id", text],
            ["channel", text], ["conversion_source", text], ["gross_amount", amount],
            ["discount_amount", amount], ["net_amount", amount], ["manufacturer_coupon_amount", amount],
            ["is_return", flag], ["is_time_of_day_known", flag], ["ordered_at", moment],
        ],
        "order_lines": [
            ["source_order_id", text], ["source_line_id", text], ["source_customer_id", text],
            ["source_store_id", text], ["source_product_id", text], ["channel", text],
            ["quantity", amount], ["gross_amount", amount], ["discount_amount", amount],
            ["net_amount", amount], ["manufacturer_coupon_amount", amount], ["is_return", flag],
            ["ordered_at", moment],
        ],
        "campaigns": [
            ["source_campaign_id", text], ["campaign_name", text], ["campaign_type", text],
            ["channel", text], ["starts_on", "date"], ["ends_on", "date"],
        ],
        "messages": [
            ["source_message_id", text], ["source_customer_id", text], ["source_campaign_id", text],
            ["channel", text], ["is_machine_open", flag], ["sent_at", moment], ["delivered_at", moment],
            ["opened_at", moment], ["clicked_at", moment], ["bounced_at", moment],
            ["unsubscribed_at", moment],
        ],
        "responses": [
            ["source_response_id", text], ["source_message_id", text], ["source_customer_id", text],
            ["source_campaign_id", text], ["source_offer_id", text], ["response_type", text],
            ["responded_at", moment],
        ],
        "offers": [
            ["source_campaign_id", text], ["source_offer_id", text], ["source_product_id", text],
        ],
    } -%}
    {%- set columns = [] -%}
    {%- for name, type in entities[entity] -%}
        {%- do columns.append({"name": name, "type": type}) -%}
    {%- endfor -%}
    {%- do return(columns) -%}
{% endmacro %}


{# The canonical columns of an entity that a source lacks, as typed NULLs. #}
{% macro typed_nulls(entity, provided) %}
    {%- set lines = [] -%}
    {%- for column in canonical_columns(entity) if column.name not in provided -%}
        {%- do lines.append("cast(null as " ~ column.type ~ ") as " ~ column.name) -%}
    {%- endfor -%}
    {{- lines | join(",\n        ") -}}
{% endmacro %}
