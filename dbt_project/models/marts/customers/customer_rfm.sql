with

customers as (

    select * from {{ ref('dim_customers') }}

),

orders as (

    select * from {{ ref('fct_orders') }}

),

messages as (

    select * from {{ ref('fct_messages') }}

),

cells as (

    select * from {{ ref('rfm_cells') }}

),

early_segments as (

    select * from {{ ref('rfm_early_segments') }}

),

legal_standing as (

    select * from {{ ref('int_customers__legal_standing') }}

),

purchases as (

    select
        customer_id,
        count(*) as lifetime_orders,
        max(cast(ordered_at as date)) as last_purchase_date,
        sum(case
            when ordered_at >= {{ add_days(as_of_date(), '-' ~ var('rfm_horizon_days')) }} then 1
            else 0
        end) as frequency,
        sum(case
            when ordered_at >= {{ add_days(as_of_date(), '-' ~ var('rfm_horizon_days')) }} then net_amount
            else 0
        end) as monetary_value
    from orders
    where
        customer_id is not null
        and is_purchase
    group by customer_id

),

measured as (

    select
        customer_id,
        lifetime_orders,
        last_purchase_date,
        {{ days_between('last_purchase_date', as_of_date()) }} - 1 as recency_days,
        frequency,
        cast(monetary_value as decimal(18, 4)) as monetary_value
    from purchases

),

-- ties share one position, the middle of the places that they take up
positioned as (

    select
        measured.*,
        {{ midrank('recency_days desc', 'recency_days') }} as r_position,
        {{ midrank('frequency', 'frequency') }} as f_position,
        {{ midrank('monetary_value', 'monetary_value') }} as m_position
    from measured

),

scored as (

    select
        positioned.*,
        {{ quintile('r_position') }} as r_score,
        {{ quintile('f_position') }} as f_score,
        {{ quintile('m_position') }} as m_score
    from positioned

),

engagement as (

    select
        customer_id,
        max(sent_at) as last_message_at,
        max(first_responded_at) as last_response_at
    from messages
    group by customer_id

),

described as (

    select
        customers.customer_id,
        customers.first_seen_at,
        scored.recency_days,
        scored.last_purchase_date,
        scored.r_score,
        scored.f_score,
        scored.m_score,
        coalesce(scored.frequency, 0) as frequency,
        coalesce(scored.monetary_value, 0) as monetary_value,
        coalesce(scored.lifetime_orders, 0) as lifetime_orders,
        case
            when scored.lifetime_orders is null and engagement.last_response_at is not null then 'prospect_engaged'
            when
                scored.lifetime_orders is null
                and {{ days_between('customers.first_seen_at', as_of_date()) }} <= 90 then 'prospect_new'
            when scored.lifetime_orders is null then 'prospect_cold'
            when scored.lifetime_orders = 1 and scored.recency_days <= 30 then 'first_time_new'
            when scored.lifetime_orders = 1 and scored.recency_days <= 180 then 'first_time_waiting'
            when scored.lifetime_orders = 1 then 'first_time_lapsed'
        end as early_segment
    from customers
    left join scored on customers.customer_id = scored.customer_id
    left join engagement on customers.customer_id = engagement.customer_id

),

segmented as (

    select
        described.*,
        cells.rfm_cell,
        coalesce(early_segments.rfm_group, cells.rfm_group) as rfm_group,
        coalesce(early_segments.rfm_segment, cells.rfm_segment) as rfm_segment,
        coalesce(early_segments.segment_name_en, cells.segment_name_en) as segment_name_en,
        coalesce(early_segments.segment_name_es, cells.segment_name_es) as segment_name_es,
        legal_standing.is_profiling_allowed
    from described
    inner join legal_standing on described.customer_id = legal_standing.customer_id
    left join cells
        on
            described.r_score = cells.r_score
            and described.f_score = cells.f_score
            and described.m_score = cells.m_score
    left join early_segments on described.early_segment = early_segments.rfm_segment

),

-- how often somebody bought is a fact; scores and segments are conclusions, to which they may have objected
final as (

    select
        customer_id,
        cast(recency_days as bigint) as recency_days,
        cast(frequency as bigint) as frequency,
        cast(monetary_value as decimal(18, 4)) as monetary_value,
        cast(lifetime_orders as bigint) as lifetime_orders,
        last_purchase_date,
        case when is_profiling_allowed then r_score end as r_score,
        case when is_profiling_allowed then f_score end as f_score,
        case when is_profiling_allowed then m_score end as m_score,
        case when is_profiling_allowed then rfm_cell end as rfm_cell,
        rfm_group,
        case when is_profiling_allowed then rfm_segment else 'not_profiled' end as rfm_segment,
        case when is_profiling_allowed then segment_name_en else 'Not profiled' end as segment_name_en,
        case when is_profiling_allowed then segment_name_es else 'Sin perfil' end as segment_name_es
    from segmented

)

select * from final
