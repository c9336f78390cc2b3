with

areas as (

    select * from {{ ref('int_market_areas__unioned') }}

),

municipalities as (

    select * from {{ ref('municipalities') }}

),

postal_codes as (

    select * from {{ ref('postal_codes') }}

),

provinces as (

    select * from {{ ref('provinces') }}

),

-- the income file has no inhabitants; towns with more postal codes have more
weights as (

    select
        municipality_code,
        count(*) as weight
    from postal_codes
    group by municipality_code

),

municipal as (

    select
        areas.area_code,
        coalesce(municipalities.municipality_name, areas.area_name) as area_name,
        substring(areas.area_code, 1, 2) as province_code,
        areas.reference_year,
        areas.net_income_per_person,
        areas.net_income_per_household,
        areas.population,
        coalesce(weights.weight, 1) as weight
    from areas
    left join municipalities on areas.area_code = municipalities.municipality_code
    left join weights on areas.area_code = weights.municipality_code
    where areas.area_level = 'municipality'

),

provincial_income as (

    select
        province_code,
        reference_year,
        {{ weighted_mean('net_income_per_person', 'weight') }} as net_income_per_person,
        {{ weighted_mean('net_income_per_household', 'weight') }} as net_income_per_household
    from municipal
    group by province_code, reference_year

),

provincial_population as (

    select * from areas
    where area_level = 'province'

),

provincial_years as (

    select
        province_code,
        reference_year
    from provincial_income
    union
    select
        area_code as province_code,
        reference_year
    from provincial_population

),

provincial as (

    select
        provincial_years.province_code,
        coalesce(provinces.province_name, provincial_population.area_name) as area_name,
        provincial_years.reference_year,
        provincial_income.net_income_per_person,
        provincial_income.net_income_per_household,
        provincial_population.population,
        coalesce(provincial_population.population, provinces.population) as weight
    from provincial_years
    left join provincial_income
        on
            provincial_years.province_code = provincial_income.province_code
            and provincial_years.reference_year = provincial_income.reference_year
    left join provincial_population
        on
            provincial_years.province_code = provincial_population.area_code
            and provincial_years.reference_year = provincial_population.reference_year
    left join provinces on provincial_years.province_code = provinces.province_code

),

country as (

    select
        reference_year,
        {{ weighted_mean('net_income_per_person', 'weight') }} as net_income_per_person,
        {{ weighted_mean('net_income_per_household', 'weight') }} as net_income_per_household,
        sum(population) as population
    from provincial
    group by reference_year

),

stacked as (

    select
        'municipality' as area_level,
        area_code,
        area_name,
        province_code,
        reference_year,
        net_income_per_person,
        net_income_per_household,
        population
    from municipal
    union all
    select
        'province' as area_level,
        province_code as area_code,
        area_name,
        province_code,
        reference_year,
        net_income_per_person,
        net_income_per_household,
        population
    from provincial
    union all
    select
        'country' as area_level,
        'ES' as area_code,
        'España' as area_name,
        cast(null as {{ dbt.type_string() }}) as province_code,
        reference_year,
        net_income_per_person,
        net_income_per_household,
        population
    from country

),

final as (

    select
        stacked.area_level,
        stacked.area_code,
        stacked.area_name,
        stacked.province_code,
        stacked.reference_year,
        cast(stacked.net_income_per_person as decimal(18, 4)) as net_income_per_person,
        cast(stacked.net_income_per_household as decimal(18, 4)) as net_income_per_household,
        cast(stacked.population as bigint) as population,
        cast(stacked.net_income_per_person as double)
        / nullif(cast(country.net_income_per_person as double), 0) as income_index,
        -- the newest year with an income
        stacked.net_income_per_person is not null
        and row_number() over (
            partition by stacked.area_level, stacked.area_code
            order by
                case when stacked.net_income_per_person is null then 1 else 0 end,
                stacked.reference_year desc
        ) = 1 as is_latest_income
    from stacked
    left join country on stacked.reference_year = country.reference_year

)

select * from final
