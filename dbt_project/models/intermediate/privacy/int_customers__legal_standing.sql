{#
  What the law says of the customer as a person, whatever the channel. Of several birth dates the youngest
  counts; who has none is of age (docs/privacy.md). A child's consent is not the child's to give, and nobody
  under 14 is profiled; who withdrew profiling in any source, or told us so, is not profiled either.
#}

with

customers as (

    select * from {{ ref('int_customers__merged') }}

),

records as (

    select * from {{ ref('int_customers__unioned') }}

),

customer_keys as (

    select * from {{ ref('int_customers__identified') }}

),

current_consents as (

    select * from {{ ref('int_consents__current') }}

),

suppressions as (

    select * from {{ ref('int_suppressions__unioned') }}

),

orders as (

    select * from {{ ref('int_orders__unioned') }}

),

contracts as (

    select * from {{ ref('int_contracts__unioned') }}

),

youngest as (

    select
        customer_keys.customer_id,
        max(records.birth_date) as birth_date
    from records
    inner join customer_keys
        on
            records.source_system = customer_keys.source_system
            and records.source_customer_id = customer_keys.source_customer_id
    where records.birth_date is not null
    group by customer_keys.customer_id

),

profiling as (

    select
        customer_id,
        status
    from current_consents
    where purpose = 'profiling'

),

objections as (

    select distinct customer_id
    from suppressions
    where channel = 'profiling'

),

buyers as (

    select distinct customer_id
    from orders
    where is_purchase

),

contract_holders as (

    select distinct customer_id
    from contracts
    where
        coalesce(status, 'active') = 'active'
        and coalesce(ends_on >= {{ as_of_date() }}, true)

),

final as (

    select
        customers.customer_id,
        coalesce(youngest.birth_date > cast({{ dbt.dateadd('year', -14, as_of_date()) }} as date), false) as is_child,
        coalesce(
            youngest.birth_date
            > cast({{ dbt.dateadd('year', '-' ~ var('minimum_contact_age'), as_of_date()) }} as date),
            false
        ) as is_minor,
        coalesce(profiling.status, 'unknown') as profiling_status,
        coalesce(profiling.status = 'withdrawn', false) or objections.customer_id is not null as has_objected_to_profiling,
        buyers.customer_id is not null as is_existing_customer,
        contract_holders.customer_id is not null as has_running_contract,
        not coalesce(youngest.birth_date > cast({{ dbt.dateadd('year', -14, as_of_date()) }} as date), false)
        and not coalesce(profiling.status = 'withdrawn', false)
        and objections.customer_id is null as is_profiling_allowed
    from customers
    left join youngest on customers.customer_id = youngest.customer_id
    left join profiling on customers.customer_id = profiling.customer_id
    left join objections on customers.customer_id = objections.customer_id
    left join buyers on customers.customer_id = buyers.customer_id
    left join contract_holders on customers.customer_id = contract_holders.customer_id

)

select * from final
