{%- set levels = ['line_of_business', 'department', 'category', 'product_type'] %}

with

products as (

    select * from {{ ref('int_products__unioned') }}

),

labelled as (

    select
        product_id,
        is_recommendable,
        coalesce(line_of_business, 'other') as line_of_business,
        department,
        category,
        product_type
    from products
    where not is_unknown_member

),

{% for level in levels -%}
{%- set path = levels[:loop.index] -%}
{{ level }}_nodes as (

    select
        {{ dbt.concat((path | join(",' > ',")).split(',')) }} as node_path,
        {% if loop.first -%}
        cast(null as {{ dbt.type_string() }}) as parent_path,
        {% else -%}
        {{ dbt.concat((path[:-1] | join(",' > ',")).split(',')) }} as parent_path,
        {% endif -%}
        '{{ level }}' as taxonomy_level,
        {{ loop.index }} as depth,
        {{ level }} as node_name,
        line_of_business,
        count(*) as products,
        sum(case when is_recommendable then 1 else 0 end) as recommendable_products
    from labelled
    group by {{ path | join(', ') }}

),

{% endfor -%}
stacked as (

    {% for level in levels -%}
    select * from {{ level }}_nodes
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (

    select
        node_path,
        parent_path,
        taxonomy_level,
        cast(depth as integer) as depth,
        node_name,
        line_of_business,
        cast(products as bigint) as products,
        cast(recommendable_products as bigint) as recommendable_products
    from stacked

)

select * from final
