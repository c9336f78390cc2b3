with

cases as (

    select * from {{ ref('int_service_cases__unioned') }}

),

order_lines as (

    select * from {{ ref('int_order_lines__unioned') }}

),

-- the purchase that a question is likely to be about: the customer's last of the product before it
purchases as (

    select
        cases.case_id,
        max(order_lines.ordered_at) as purchased_at
    from cases
    inner join order_lines
        on
            cases.customer_id = order_lines.customer_id
            and cases.product_id = order_lines.product_id
            and cases.opened_at >= order_lines.ordered_at
    where not order_lines.is_return
    group by cases.case_id

),

final as (

    select
        cases.case_id,
        cases.customer_id,
        cases.product_id,
        cases.source_system,
        cases.product_name,
        cases.serial_number,
        cases.channel,
        cases.topic,
        cases.subtopic,
        cases.status,
        cases.status = 'open' as is_open,
        cases.satisfaction_score,
        {{ days_between('purchases.purchased_at', 'cases.opened_at') }} as days_since_purchase,
        {{ dbt.datediff('cases.opened_at', 'cases.closed_at', 'hour') }} as hours_to_close,
        cases.agent,
        cases.description,
        cases.opened_at,
        cases.closed_at,
        purchases.purchased_at
    from cases
    left join purchases on cases.case_id = purchases.case_id

)

select * from final
