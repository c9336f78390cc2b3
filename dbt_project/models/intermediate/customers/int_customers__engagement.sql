with

settings as (

    select * from {{ source('ops', 'settings') }}

),

customers as (

    select * from {{ ref('int_customers__merged') }}

),

web_sessions as (

    select * from {{ ref('int_web_sessions__aggregated') }}

),

service_cases as (

    select * from {{ ref('int_service_cases__unioned') }}

),

ownerships as (

    select * from {{ ref('int_vehicle_ownerships__unioned') }}

),

vehicles as (

    select * from {{ ref('int_vehicles__unioned') }}

),

declarations as (

    select * from {{ ref('int_declared_attributes__unioned') }}

),

visits as (

    select
        web_sessions.customer_id,
        sum(
            case when web_sessions.started_at >= {{ dbt.dateadd('day', -30, 'settings.as_of_date') }} then 1 else 0 end
        ) as web_sessions_30d,
        max(web_sessions.started_at) as last_web_session_at
    from web_sessions
    cross join settings
    where web_sessions.customer_id is not null
    group by web_sessions.customer_id

),

cases as (

    select
        customer_id,
        count(*) as service_cases,
        sum(case when status = 'open' then 1 else 0 end) as open_service_cases,
        max(opened_at) as last_service_case_at
    from service_cases
    where customer_id is not null
    group by customer_id

),

fleets as (

    select
        ownerships.customer_id,
        count(distinct vehicles.vehicle_id) as vehicles_owned,
        max(vehicles.registered_on) as newest_vehicle_registered_on
    from ownerships
    inner join vehicles on ownerships.vehicle_id = vehicles.vehicle_id
    where ownerships.released_on is null
    group by ownerships.customer_id

),

ranked_interests as (

    select
        customer_id,
        value,
        row_number() over (partition by customer_id order by declared_at desc, declaration_id desc) as place
    from declarations
    where attribute = 'interests' and customer_id is not null

),

interests as (

    select * from ranked_interests
    where place = 1

),

final as (

    select
        customers.customer_id,
        cast(coalesce(visits.web_sessions_30d, 0) as bigint) as web_sessions_30d,
        visits.last_web_session_at,
        cast(coalesce(cases.service_cases, 0) as bigint) as service_cases,
        cast(coalesce(cases.open_service_cases, 0) as bigint) as open_service_cases,
        cases.last_service_case_at,
        cast(coalesce(fleets.vehicles_owned, 0) as bigint) as vehicles_owned,
        fleets.newest_vehicle_registered_on,
        interests.value as declared_interests
    from customers
    left join visits on customers.customer_id = visits.customer_id
    left join cases on customers.customer_id = cases.customer_id
    left join fleets on customers.customer_id = fleets.customer_id
    left join interests on customers.customer_id = interests.customer_id

)

select * from final
