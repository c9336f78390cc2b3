with

source as (

    select * from {{ source('market', 'municipality_income') }}

),

renamed as (

    select
        -- ids: a code of five digits, a blank, the name
        substring(trim(municipality), 1, 5) as municipality_code,

        -- strings
        trim(substring(trim(municipality), 6)) as municipality_name,
        lower(trim(indicator)) as indicator,

        -- numerics
        reference_year,
        {{ thousands_to_integer('amount_text') }} as amount
    from source
    where try_cast(substring(trim(municipality), 1, 5) as integer) is not null

)

select * from renamed
