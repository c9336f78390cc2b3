{#
  The canonical columns of each entity: what a staging model stg_<system>__<entity> must provide,
  in this order, with these types. Keys are those of the source; the intermediate models turn them
  into ours. A system that lacks an attribute provides a typed NULL.

  <thing>_source_system says that the key before it is one of another system (a web visitor is known by
  the number that the shop gave them); NULL, the usual case, is the system of the row itself.
  union_enabled fills it in, so that the unions look every key up in the same way.
#}
{% macro canonical_columns(entity) %}
    {%- set text = dbt.type_string() -%}
    {%- set amount = "decimal(18, 4)" -%}
    {%- set moment = dbt.type_timestamp() -%}
    {%- set flag = dbt.type_boolean() -%}
    {%- set entities = {
        "customers": [
            ["source_customer_id", text], ["full_name", text], ["given_name", text], ["surnames", text],
            ["surname_1", text], ["surname_2", text], ["email", text], ["phone", text],
            ["mobile_phone", text], ["national_id", text], ["street", text], ["city", text],
            ["postal_code", text], ["province_name", text], ["province_code", text],
            ["municipality_code", text],
            ["country_code", text], ["gender", text], ["loyalty_card", text], ["age_band", text],
            ["income_band", text], ["household_size", text], ["household_composition", text],
            ["home_ownership", text], ["marital_status", text], ["kids_count", text],
            ["has_email", flag], ["has_phone", flag], ["has_postal_address", flag], ["has_push", flag],
            ["birth_date", "date"], ["birth_date_text", text], ["record_updated_at", moment], ["first_seen_at", moment],
        ],
        "products": [
            ["source_product_id", text], ["product_name", text], ["department", text],
            ["category", text], ["product_type", text], ["brand", text], ["manufacturer_id", text],
            ["package_size", text], ["ean", text], ["product_kind", text], ["attributes", text],
            ["list_price", amount], ["is_recommendable", flag],
        ],
        "product_compatibilities": [
            ["source_product_id", text], ["compatible_source_product_id", text],
        ],
        "stores": [
            ["source_store_id", text], ["store_name", text], ["channel", text], ["street", text],
            ["city", text], ["postal_code", text], ["province_name", text], ["opened_on", "date"],
            ["first_seen_at", moment],
        ],
        "orders": [
            ["source_order_id", text], ["source_customer_id", text], ["source_store_id", text],
            ["store_source_system", text], ["channel", text], ["conversion_source", text],
            ["campaign_source_system", text], ["source_campaign_id", text], ["discount_code", text],
            ["original_source_order_id", text], ["currency", text], ["gross_amount", amount],
            ["discount_amount", amount], ["net_amount", amount], ["manufacturer_coupon_amount", amount],
            ["is_return", flag], ["is_purchase", flag], ["is_durable", flag],
            ["is_time_of_day_known", flag],
            ["ordered_at", moment],
        ],
        "order_lines": [
            ["source_order_id", text], ["source_line_id", text], ["source_customer_id", text],
            ["store_source_system", text], ["source_store_id", text],
            ["product_source_system", text], ["source_product_id", text], ["channel", text],
            ["currency", text], ["quantity", amount], ["gross_amount", amount], ["discount_amount", amount],
            ["net_amount", amount], ["manufacturer_coupon_amount", amount], ["is_return", flag],
            ["ordered_at", moment],
        ],
        "repeated_lines": [
            ["table_name", text], ["lines", "bigint"], ["repeated_lines", "bigint"],
            ["repeated_net_amount", amount],
        ],
        "market_areas": [
            ["area_level", text], ["area_code", text], ["area_name", text], ["reference_year", "integer"],
            ["net_income_per_person", amount], ["net_income_per_household", amount],
            ["population", "bigint"],
        ],
        "campaigns": [
            ["source_campaign_id", text], ["campaign_name", text], ["campaign_type", text],
            ["channel", text], ["subject", text], ["reported_recipients", "bigint"],
            ["reported_deliveries", "bigint"], ["reported_bounces", "bigint"],
            ["reported_opens", "bigint"], ["reported_clicks", "bigint"],
            ["reported_unsubscribes", "bigint"], ["reported_complaints", "bigint"],
            ["reported_orders", "bigint"], ["reported_revenue_amount", amount],
            ["starts_on", "date"], ["ends_on", "date"],
        ],
        "messages": [
            ["source_message_id", text], ["source_customer_id", text], ["source_campaign_id", text],
            ["channel", text], ["bounce_type", text], ["sent_at", moment], ["delivered_at", moment],
            ["opened_at", moment], ["machine_opened_at", moment], ["clicked_at", moment],
            ["scanner_clicked_at", moment], ["bounced_at", moment], ["unsubscribed_at", moment],
            ["complained_at", moment],
        ],
        "responses": [
            ["source_response_id", text], ["source_message_id", text], ["source_customer_id", text],
            ["source_campaign_id", text], ["source_offer_id", text], ["response_type", text],
            ["responded_at", moment],
        ],
        "offers": [
            ["source_campaign_id", text], ["source_offer_id", text], ["source_product_id", text],
        ],
        "consents": [
            ["source_consent_id", text], ["source_customer_id", text], ["customer_source_system", text],
            ["purpose", text], ["channel", text], ["status", text], ["proof", text],
            ["policy_version", text], ["recorded_at", moment],
        ],
        "suppressions": [
            ["source_suppression_id", text], ["source_customer_id", text],
            ["customer_source_system", text], ["channel", text], ["reason", text],
            ["identifier_kind", text], ["identifier_sha256", text], ["suppressed_at", moment],
            ["lifted_at", moment],
        ],
        "vehicles": [
            ["source_vehicle_id", text], ["source_product_id", text], ["vin", text], ["plate", text],
            ["make", text], ["model", text], ["version", text], ["fuel", text], ["body", text],
            ["model_year", "integer"], ["is_sold_new", flag], ["odometer_km", "integer"],
            ["registered_on", "date"], ["first_seen_at", moment],
        ],
        "vehicle_ownerships": [
            ["source_vehicle_id", text], ["source_customer_id", text],
            ["customer_source_system", text], ["acquired_on", "date"], ["released_on", "date"],
        ],
        "vehicle_orders": [
            ["source_vehicle_order_id", text], ["source_order_id", text], ["source_customer_id", text],
            ["customer_source_system", text], ["source_vehicle_id", text], ["source_store_id", text],
            ["source_lead_id", text], ["vehicle_kind", text], ["status", text],
            ["list_amount", amount], ["discount_amount", amount], ["net_amount", amount],
            ["ordered_at", moment], ["delivered_at", moment], ["cancelled_at", moment],
        ],
        "contracts": [
            ["source_contract_id", text], ["source_customer_id", text],
            ["customer_source_system", text], ["source_vehicle_id", text], ["contract_type", text],
            ["contract_name", text], ["status", text], ["monthly_amount", amount],
            ["balloon_amount", amount], ["starts_on", "date"], ["ends_on", "date"],
        ],
        "leads": [
            ["source_lead_id", text], ["source_customer_id", text], ["customer_source_system", text],
            ["source_store_id", text], ["lead_source", text], ["model_interest", text],
            ["status", text], ["lost_reason", text], ["created_at", moment], ["closed_at", moment],
        ],
        "workshop_visits": [
            ["source_visit_id", text], ["source_order_id", text], ["source_customer_id", text],
            ["customer_source_system", text], ["source_vehicle_id", text], ["source_store_id", text],
            ["visit_type", text], ["odometer_km", "integer"], ["labour_amount", amount],
            ["parts_amount", amount], ["net_amount", amount], ["opened_at", moment],
            ["closed_at", moment],
        ],
        "service_cases": [
            ["source_case_id", text], ["source_customer_id", text], ["customer_source_system", text],
            ["source_product_id", text], ["product_source_system", text], ["product_name", text],
            ["serial_number", text], ["channel", text], ["topic", text], ["subtopic", text],
            ["status", text], ["satisfaction_score", "integer"], ["agent", text],
            ["description", text], ["opened_at", moment], ["closed_at", moment],
        ],
        "form_submissions": [
            ["source_submission_id", text], ["source_customer_id", text],
            ["customer_source_system", text], ["form_code", text], ["form_name", text],
            ["form_type", text], ["page_url", text], ["device_id", text],
            ["source_product_id", text], ["product_source_system", text], ["source_store_id", text],
            ["store_source_system", text], ["model_interest", text],
            ["recommendation_score", "integer"], ["submitted_at", moment],
        ],
        "declared_attributes": [
            ["source_declaration_id", text], ["source_customer_id", text],
            ["customer_source_system", text], ["attribute", text], ["value", text],
            ["declared_at", moment],
        ],
        "product_registrations": [
            ["source_registration_id", text], ["source_customer_id", text],
            ["customer_source_system", text], ["source_product_id", text],
            ["product_source_system", text], ["serial_number", text], ["store_name", text],
            ["purchased_on", "date"], ["registered_at", moment],
        ],
        "web_events": [
            ["source_session_id", text], ["source_customer_id", text],
            ["customer_source_system", text], ["device_id", text], ["event_name", text],
            ["source_content_id", text], ["source_product_id", text], ["product_source_system", text],
            ["source_order_id", text], ["order_source_system", text], ["search_term", text],
            ["engagement_ms", "bigint"], ["revenue_amount", amount], ["medium", text],
            ["traffic_source", text], ["source_campaign_id", text], ["campaign_source_system", text],
            ["device_category", text], ["operating_system", text], ["browser", text],
            ["country", text], ["region", text], ["city", text], ["occurred_at", moment],
        ],
        "contents": [
            ["source_content_id", text], ["title", text], ["content_group", text],
            ["content_type", text], ["topic", text], ["source_product_id", text],
            ["product_source_system", text], ["first_seen_at", moment],
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
