with

declarations as (

    select * from {{ ref('int_declared_attributes__unioned') }}

),

tracked as (

    select * from {{ ref('int_customers__tracked_attributes') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, attribute order by declared_at desc, declaration_id desc
        ) as place
    from declarations
    where customer_id is not null

),

declared as (

    select * from ranked
    where place = 1

),

final as (

    select
        coalesce(declared.customer_id, tracked.customer_id) as customer_id,
        coalesce(declared.attribute, tracked.attribute) as attribute,
        declared.value as declared_value,
        tracked.value as tracked_value,
        -- a declared list agrees when it holds what is tracked
        case
            when declared.value is not null and tracked.value is not null
                then
                    {{ dbt.concat(["','", "replace(lower(declared.value), ' ', '')", "','"]) }}
                    like {{ dbt.concat(["'%,'", "replace(lower(tracked.value), ' ', '')", "',%'"]) }}
        end as is_in_agreement,
        declared.source_system as declared_in,
        tracked.tracked_in,
        tracked.observations,
        declared.declared_at,
        {{ as_of_date() }} as as_of_date
    from declared
    full outer join tracked
        on
            declared.customer_id = tracked.customer_id
            and declared.attribute = tracked.attribute

)

select * from final
