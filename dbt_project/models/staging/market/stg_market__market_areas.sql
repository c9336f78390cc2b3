with

municipality_income as (

    select * from {{ ref('base_market__municipality_income') }}

),

province_population as (

    select * from {{ ref('base_market__province_population') }}

),

municipalities as (

    select
        municipality_code,
        max(municipality_name) as municipality_name,
        reference_year,
        max(case when indicator = 'renta neta media por persona' then amount end) as net_income_per_person,
        max(case when indicator = 'renta neta media por hogar' then amount end) as net_income_per_household
    from municipality_income
    group by municipality_code, reference_year

),

provinces as (

    select
        province_code,
        max(province_name) as province_name,
        reference_year,
        max(people) as population
    from province_population
    where
        sex in ('total', 'ambos sexos')
        and age in ('todas las edades', 'total')
    group by province_code, reference_year

),

final as (

    select
        'municipality' as area_level,
        municipality_code as area_code,
        municipality_name as area_name,
        reference_year,
        net_income_per_person,
        net_income_per_household,
        cast(null as bigint) as population
    from municipalities
    union all
    select
        'province' as area_level,
        province_code as area_code,
        province_name as area_name,
        reference_year,
        null as net_income_per_person,
        null as net_income_per_household,
        population
    from provinces

)

select * from final
