with

stores as (

    {{ union_enabled('stores') }}

),

business_lines as (

    select * from {{ ref('business_lines') }}

),

postal_codes as (

    select * from {{ ref('postal_codes') }}

),

municipalities as (

    select * from {{ ref('municipalities') }}

),

-- some postal codes serve several municipalities; the name of the town says which
towns as (

    select
        postal_codes.postal_code,
        postal_codes.municipality_code,
        municipalities.province_code,
        lower(municipalities.municipality_name) as town,
        row_number() over (
            partition by postal_codes.postal_code
            order by postal_codes.municipality_code
        ) as place,
        count(*) over (partition by postal_codes.postal_code) as municipalities
    from postal_codes
    inner join municipalities on postal_codes.municipality_code = municipalities.municipality_code

),

padded as (

    select
        stores.*,
        -- spreadsheets eat the zero that a Spanish code may begin with
        case
            when length(trim(stores.postal_code)) = 4 then {{ dbt.concat(["'0'", "trim(stores.postal_code)"]) }}
            else trim(stores.postal_code)
        end as whole_postal_code
    from stores

),

final as (

    select
        {{ prefixed_id('padded.source_system', 'padded.source_store_id') }} as store_id,
        padded.source_system,
        padded.source_store_id,
        business_lines.line_of_business,
        padded.store_name,
        padded.channel,
        padded.street,
        padded.city,
        padded.whole_postal_code as postal_code,
        padded.province_name,
        coalesce(named_towns.municipality_code, only_towns.municipality_code) as municipality_code,
        first_towns.province_code,
        padded.opened_on,
        padded.first_seen_at
    from padded
    left join business_lines on padded.source_system = business_lines.source_system
    left join towns as first_towns
        on
            padded.whole_postal_code = first_towns.postal_code
            and first_towns.place = 1
    left join towns as only_towns
        on
            padded.whole_postal_code = only_towns.postal_code
            and only_towns.municipalities = 1
    left join towns as named_towns
        on
            padded.whole_postal_code = named_towns.postal_code
            and lower(trim(padded.city)) = named_towns.town
    -- the as-of cut
    where padded.first_seen_at < {{ as_of_date() }}

)

select * from final
