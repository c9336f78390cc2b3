with

service_cases as (

    {{ union_enabled('service_cases') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

products as (

    select * from {{ ref('int_products__unioned') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('service_cases.source_system', 'service_cases.source_case_id') }} as case_id,
        -- NULL when the case is about no product
        case when service_cases.source_product_id is not null then coalesce(products.product_id, 'unknown') end as product_id,
        customer_keys.customer_id,
        service_cases.source_system,
        service_cases.product_name,
        service_cases.serial_number,
        service_cases.channel,
        service_cases.topic,
        service_cases.subtopic,
        case when {{ is_known('service_cases.closed_at', 'service_cases.source_system') }} then service_cases.status else 'open' end as status,
        case when {{ is_known('service_cases.closed_at', 'service_cases.source_system') }} then service_cases.satisfaction_score end as satisfaction_score,
        service_cases.agent,
        service_cases.description,
        service_cases.opened_at,
        case when {{ is_known('service_cases.closed_at', 'service_cases.source_system') }} then service_cases.closed_at end as closed_at
    from service_cases
    cross join settings
    {{ join_customer_keys('service_cases', 'customer_source_system') }}
    left join products
        on
            service_cases.product_source_system = products.source_system
            and service_cases.source_product_id = products.source_product_id
    -- the as-of cut
    where {{ is_known('service_cases.opened_at', 'service_cases.source_system') }}

)

select * from final
