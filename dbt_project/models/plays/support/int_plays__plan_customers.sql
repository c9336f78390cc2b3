with

customers as (

    select * from {{ ref('dim_customers') }}

),

legal_standing as (

    select * from {{ ref('int_customers__legal_standing') }}

),

rfm as (

    select * from {{ ref('customer_rfm') }}

),

patterns as (

    select * from {{ ref('customer_purchase_patterns') }}

),

channels as (

    select * from {{ ref('int_customers__channels') }}

),

final as (

    select
        customers.customer_id,
        -- what a customer answers to is a conclusion about them
        case when legal_standing.is_profiling_allowed then channels.best_channel end as best_channel,
        rfm.rfm_cell,
        rfm.rfm_group,
        case when legal_standing.is_profiling_allowed then patterns.favourite_hour end as preferred_hour
    from customers
    inner join legal_standing on customers.customer_id = legal_standing.customer_id
    left join rfm on customers.customer_id = rfm.customer_id
    left join patterns on customers.customer_id = patterns.customer_id
    left join channels on customers.customer_id = channels.customer_id

)

select * from final
