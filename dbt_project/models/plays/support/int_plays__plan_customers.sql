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

channels as (

    select * from {{ ref('int_customers__channels') }}

),

final as (

    select
        customers.customer_id,
        channels.best_channel,
        rfm.rfm_cell,
        rfm.rfm_group,
        patterns.favourite_hour as preferred_hour,
        customers.has_email,
        customers.has_phone,
        customers.has_postal_address,
        customers.has_push
    from customers
    left join rfm on customers.customer_id = rfm.customer_id
    left join patterns on customers.customer_id = patterns.customer_id
    left join channels on customers.customer_id = channels.customer_id

)

select * from final
