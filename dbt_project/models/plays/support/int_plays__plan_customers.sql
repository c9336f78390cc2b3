with

customers as (

    select * from {{ ref('dim_customers') }}

),

reachability as (

    select * from {{ ref('int_customers__reachability') }}

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
        reachability.has_email,
        reachability.has_sms,
        reachability.has_phone,
        reachability.has_postal_address,
        reachability.has_push
    from customers
    inner join reachability on customers.customer_id = reachability.customer_id
    left join rfm on customers.customer_id = rfm.customer_id
    left join patterns on customers.customer_id = patterns.customer_id
    left join channels on customers.customer_id = channels.customer_id

)

select * from final
