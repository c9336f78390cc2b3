with

customers as (

    select * from {{ ref('dim_customers') }}

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

patterns as (

    select * from {{ ref('customer_purchase_patterns') }}

),

customer_lines as (

    select * from {{ ref('customer_lines') }}

),

market_areas as (

    select * from {{ ref('market_areas') }}
    where is_latest_income

),

messages as (

    select * from {{ ref('fct_messages') }}

),

reachability as (

    select * from {{ ref('int_customers__reachability') }}

),

legal_standing as (

    select * from {{ ref('int_customers__legal_standing') }}

),

engagement as (

    select * from {{ ref('int_customers__engagement') }}

),

predictions as (

    select * from {{ source('ml', 'customer_predictions') }}

),

contact_plan as (

    select * from {{ source('plan', 'contact_plan') }}

),

current_predictions as (

    select * from predictions
    where as_of_date = {{ as_of_date() }}

),

line_totals as (

    select
        customer_id,
        {{ distinct_texts('line_of_business') }} as lines_of_business,
        max(case when line_rank = 1 then line_of_business end) as main_line_of_business,
        sum(returns) as returns,
        sum(returned_amount) as returned_amount
    from customer_lines
    group by customer_id

),

message_totals as (

    select
        customer_id,
        count(*) as messages,
        sum(case when has_response then 1 else 0 end) as responded_messages,
        max(sent_at) as last_message_at
    from messages
    group by customer_id

),

planned as (

    select
        *,
        row_number() over (partition by customer_id order by send_at, play) as place
    from contact_plan
    where plan_date = {{ as_of_date() }}

),

final as (

    select
        -- who
        customers.customer_id,
        customers.household_id,
        customers.source_systems,
        customers.postal_code,
        customers.province_code,
        customers.municipality_code,
        -- of the municipality, else of the province
        coalesce(towns.net_income_per_person, areas.net_income_per_person) as area_net_income_per_person,
        coalesce(towns.income_index, areas.income_index) as area_income_index,
        customers.gender,
        customers.age_band,
        customers.income_band,
        customers.household_size,
        customers.household_composition,
        customers.has_email,
        customers.has_phone,
        customers.has_postal_address,
        customers.has_push,
        customers.completeness_share,
        customers.first_seen_at,

        -- worth and habit
        rfm.rfm_group,
        -- facts of everybody; conclusions about a person only of those who may be profiled
        legal_standing.is_profiling_allowed as is_profiled,
        {%- for column in ['rfm_segment', 'segment_name_en', 'segment_name_es', 'rfm_cell', 'r_score', 'f_score', 'm_score'] %}
        case when legal_standing.is_profiling_allowed then rfm.{{ column }} end as {{ column }},
        {%- endfor %}
        rfm.recency_days,
        rfm.frequency,
        rfm.monetary_value,
        coalesce(patterns.orders, 0) as orders,
        cast(coalesce(patterns.net_amount, 0) as decimal(18, 4)) as net_amount,
        cast(coalesce(line_totals.returns, 0) as bigint) as returns,
        cast(coalesce(line_totals.returned_amount, 0) as decimal(18, 4)) as returned_amount,
        line_totals.lines_of_business,
        line_totals.main_line_of_business,
        patterns.mean_ticket_amount,
        patterns.median_interpurchase_days,
        case when legal_standing.is_profiling_allowed then patterns.regularity end as regularity,
        case when legal_standing.is_profiling_allowed then patterns.cycle_position end as cycle_position,
        patterns.favourite_department,
        patterns.favourite_category,
        patterns.favourite_store_id,
        patterns.favourite_channel,
        patterns.favourite_weekday,
        patterns.favourite_hour,
        patterns.first_purchase_at,
        patterns.last_purchase_at,
        case when legal_standing.is_profiling_allowed then patterns.due_at end as due_at,

        -- communication
        coalesce(message_totals.messages, 0) as messages,
        cast(coalesce(message_totals.responded_messages, 0) as bigint) as responded_messages,
        message_totals.last_message_at,
        reachability.allows_email,
        reachability.has_email as is_reachable_by_email,
        reachability.allows_sms,
        reachability.has_sms as is_reachable_by_sms,
        reachability.allows_whatsapp,
        reachability.has_whatsapp as is_reachable_by_whatsapp,
        reachability.allows_push,
        reachability.has_push as is_reachable_by_push,
        reachability.allows_phone,
        reachability.has_phone as is_reachable_by_phone,
        reachability.allows_postal_address as allows_post,
        reachability.has_postal_address as is_reachable_by_post,

        -- web, service, vehicles
        engagement.web_sessions_30d,
        engagement.last_web_session_at,
        engagement.service_cases,
        engagement.open_service_cases,
        engagement.vehicles_owned,
        {{ days_between('engagement.newest_vehicle_registered_on', as_of_date()) }} / cast(365.25 as double)
            as newest_vehicle_age_years,
        engagement.declared_interests,

        -- expectation
        current_predictions.model,
        current_predictions.p_alive,
        current_predictions.churn_risk,
        current_predictions.p_purchase_30d,
        current_predictions.p_purchase_90d,
        current_predictions.expected_purchases_365d,
        current_predictions.expected_value,
        current_predictions.clv_365d,
        cast(current_predictions.next_purchase_at as {{ dbt.type_timestamp() }}) as next_purchase_at,
        current_predictions.best_channel,
        current_predictions.purchase_churn_segment,
        current_predictions.is_abstaining,

        -- next contact
        planned.play as next_contact_play,
        planned.category as next_contact_category,
        planned.channel as next_contact_channel,
        cast(planned.send_at as {{ dbt.type_timestamp() }}) as next_contact_at,
        planned.reason as next_contact_reason,
        {{ as_of_date() }} as as_of_date
    from customers
    inner join rfm on customers.customer_id = rfm.customer_id
    inner join reachability on customers.customer_id = reachability.customer_id
    inner join legal_standing on customers.customer_id = legal_standing.customer_id
    inner join engagement on customers.customer_id = engagement.customer_id
    left join patterns on customers.customer_id = patterns.customer_id
    left join line_totals on customers.customer_id = line_totals.customer_id
    left join market_areas as towns
        on
            towns.area_level = 'municipality'
            and customers.municipality_code = towns.area_code
    left join market_areas as areas
        on
            areas.area_level = 'province'
            and customers.province_code = areas.area_code
    left join message_totals on customers.customer_id = message_totals.customer_id
    left join current_predictions on customers.customer_id = current_predictions.customer_id
    left join planned
        on
            customers.customer_id = planned.customer_id
            and planned.place = 1

)

select * from final
