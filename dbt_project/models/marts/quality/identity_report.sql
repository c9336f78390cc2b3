with

quality_report as (

    select * from {{ source('identity', 'quality_report') }}

),

final as (

    select
        metric,
        dimension,
        value
    from quality_report

)

select * from final
