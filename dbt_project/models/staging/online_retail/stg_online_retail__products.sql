with

invoice_lines as (

    select * from {{ ref('base_online_retail__invoice_lines') }}

),

codes as (

    select * from {{ ref('online_retail_codes') }}

),

descriptions as (

    select
        source_product_id,
        description,
        count(*) as lines,
        max(case when unit_price > 0 and quantity > 0 then 1 else 0 end) as is_of_a_sale,
        max(unit_price) as highest_price
    from invoice_lines
    group by source_product_id, description

),

-- the name of a sale before a remark of the warehouse, then the one most used
named as (

    select
        source_product_id,
        description,
        row_number() over (
            partition by source_product_id
            order by
                case when description is null then 1 else 0 end,
                is_of_a_sale desc,
                lines desc,
                description
        ) as place
    from descriptions

),

kinds as (

    select
        named.source_product_id,
        min(codes.product_kind) as product_kind
    from named
    inner join codes
        on
            named.source_product_id = codes.code
            or (codes.is_prefix and substring(named.source_product_id, 1, length(codes.code)) = codes.code)
    where named.place = 1
    group by named.source_product_id

),

final as (

    select
        named.source_product_id,
        coalesce(named.description, named.source_product_id) as product_name,
        {{ typed_nulls('products', provided=[
            'source_product_id', 'product_name', 'department', 'product_kind', 'is_recommendable',
        ]) }},
        -- the source has no taxonomy
        case when kinds.product_kind is null then 'Gifts' else 'Services' end as department,
        coalesce(kinds.product_kind, 'product') as product_kind,
        kinds.product_kind is null as is_recommendable
    from named
    left join kinds on named.source_product_id = kinds.source_product_id
    where named.place = 1

)

select * from final
