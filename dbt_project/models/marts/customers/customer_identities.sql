with

settings as (

    select * from {{ source('ops', 'settings') }}

),

assignments as (

    select * from {{ source('identity', 'id_assignments') }}

),

customer_ids as (

    select * from {{ source('identity', 'customer_ids') }}

),

now_valid as (

    select
        source_system,
        source_customer_id,
        customer_id,
        match_probability,
        match_reason,
        valid_from,
        cast(null as {{ dbt.type_timestamp() }}) as valid_to
    from customer_ids

),

-- periods that are over on the day of the run; a system that it did not read is not told of
ended as (

    select
        assignments.record_id,
        assignments.source_system,
        assignments.source_customer_id,
        assignments.customer_id,
        assignments.from_date,
        case
            when assignments.to_date <= settings.as_of_date then assignments.to_date
            else settings.as_of_date
        end as to_date
    from assignments
    cross join settings
    left join customer_ids
        on
            assignments.record_id = customer_ids.record_id
            and assignments.customer_id = customer_ids.customer_id
    where
        assignments.from_date < settings.as_of_date
        and assignments.source_system in (select known.source_system from customer_ids as known)
        and (assignments.to_date is not null or customer_ids.record_id is null)
        -- the period that holds may have changed its household before
        and (customer_ids.record_id is null or assignments.from_date < cast(customer_ids.valid_from as date))

),

marked as (

    select
        *,
        case
            when
                lag(customer_id) over (partition by record_id order by from_date) = customer_id
                and lag(to_date) over (partition by record_id order by from_date) = from_date
                then 0
            else 1
        end as is_other_customer
    from ended

),

numbered as (

    select
        *,
        sum(is_other_customer) over (
            partition by record_id order by from_date rows between unbounded preceding and current row
        ) as period
    from marked

),

over_now as (

    select
        record_id,
        period,
        min(source_system) as source_system,
        min(source_customer_id) as source_customer_id,
        min(customer_id) as customer_id,
        min(from_date) as from_date,
        max(to_date) as to_date
    from numbered
    group by record_id, period

),

final as (

    select * from now_valid
    union all
    select
        over_now.source_system,
        over_now.source_customer_id,
        over_now.customer_id,
        cast(null as double) as match_probability,
        'earlier assignment' as match_reason,
        -- a record belongs to its first customer since it was first seen
        case
            when over_now.period = 1 and customer_ids.first_seen_at is not null then customer_ids.first_seen_at
            else cast(over_now.from_date as {{ dbt.type_timestamp() }})
        end as valid_from,
        cast(over_now.to_date as {{ dbt.type_timestamp() }}) as valid_to
    from over_now
    left join customer_ids on over_now.record_id = customer_ids.record_id

)

select * from final
