with

settings as (

    select * from {{ source('ops', 'settings') }}

),

history as (

    select * from {{ source('identity', 'customer_id_history') }}

),

final as (

    select
        history.change_number,
        history.changed_at,
        history.cause,
        history.from_customer_id,
        history.to_customer_id,
        history.records
    from history
    cross join settings
    -- what a run as of a later day wrote is not known yet
    where history.changed_at <= settings.as_of_date

)

select * from final
