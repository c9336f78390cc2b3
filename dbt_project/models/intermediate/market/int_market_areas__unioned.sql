with

market_areas as (

    {{ union_enabled('market_areas') }}

),

final as (

    select
        area_level,
        area_code,
        max(area_name) as area_name,
        reference_year,
        max(net_income_per_person) as net_income_per_person,
        max(net_income_per_household) as net_income_per_household,
        max(population) as population
    from market_areas
    -- the as-of cut: statistics of a year come out after it
    where reference_year < cast(extract(year from {{ as_of_date() }}) as integer)
    group by area_level, area_code, reference_year

)

select * from final
