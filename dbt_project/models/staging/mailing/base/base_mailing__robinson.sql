with

source as (

    select * from {{ source('mailing', 'robinson') }}

),

renamed as (

    select
        -- strings
        lower(kind) as kind,
        lower(sha256) as identifier_sha256,

        -- dates
        listed_on
    from source

)

select * from renamed
