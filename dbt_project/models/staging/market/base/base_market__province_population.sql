with

source as (

    select * from {{ source('market', 'province_population') }}

),

renamed as (

    select
        -- ids: a code of two digits, a blank, the name; the total of the country has no code
        substring(trim(province), 1, 2) as province_code,

        -- strings
        trim(substring(trim(province), 3)) as province_name,
        lower(trim(sex)) as sex,
        lower(trim(age)) as age,

        -- numerics
        reference_year,
        {{ thousands_to_integer('people_text') }} as people
    from source
    where try_cast(substring(trim(province), 1, 2) as integer) is not null

)

select * from renamed
