with

records as (

    select * from {{ source('identity', 'customer_records') }}

),

orders as (

    select * from {{ ref('fct_orders') }}

),

order_lines as (

    select * from {{ ref('fct_order_lines') }}

),

products as (

    select * from {{ ref('dim_products') }}
    where not is_unknown_member

),

reconciliation as (

    {# A file that was read again, under a changed contract, counts once. #}
    select numbered.*
    from (
        select
            files.*,
            row_number() over (
                partition by files.source_system, files.table_name, files.source_file
                order by files.loaded_at desc
            ) as read_number
        from {{ ref('reconciliation') }} as files
    ) as numbered
    where numbered.read_number = 1

),

profiles as (

    select * from {{ source('quality', 'source_profiles') }}

),

weights as (

    select * from {{ ref('scorecard_weights') }}

),

customer_fields as (

    {% for entry in customer_fields() %}
    select
        source_system,
        'customers' as entity,
        '{{ entry.field }}' as field,
        'customers' as weighed_as_entity,
        '{{ entry.field }}' as weighed_as_field,
        count(*) as rows_scored,
        {{ share_of(entry.raw ~ ' is not null') }} as completeness_share,
        {% if entry.flag is defined -%}
        {{ share_of(entry.flag, entry.flag ~ ' is not null') }}
        {%- else -%} cast(null as double) {%- endif %} as validity_share,
        {% if entry.key is defined -%}
        cast(count(distinct {{ entry.key }}) as double) / nullif(count({{ entry.key }}), 0)
        {%- else -%} cast(null as double) {%- endif %} as uniqueness_share,
        {% if entry.is_consistent is defined -%}
        {{ share_of(entry.is_consistent, entry.is_comparable) }}
        {%- else -%} cast(null as double) {%- endif %} as consistency_share,
        max(cast(record_updated_at as date)) as newest_on
    from records
    group by source_system
    having count({{ entry.raw }}) > 0
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

order_fields as (

    {% for field, completeness, validity, consistency in [
        ('customer', 'customer_id is not null', none, none),
        ('store', 'store_id is not null', none, none),
        ('time_of_day', 'is_time_of_day_known', none, none),
        ('amount', 'net_amount is not null', 'is_return or net_amount >= 0',
         'abs(gross_amount - discount_amount - net_amount) < 0.01'),
    ] %}
    select
        source_system,
        'orders' as entity,
        '{{ field }}' as field,
        'orders' as weighed_as_entity,
        '{{ field }}' as weighed_as_field,
        count(*) as rows_scored,
        {{ share_of(completeness) }} as completeness_share,
        {% if validity -%} {{ share_of(validity) }} {%- else -%} cast(null as double) {%- endif %} as validity_share,
        cast(null as double) as uniqueness_share,
        {% if consistency -%} {{ share_of(consistency) }}
        {%- else -%} cast(null as double) {%- endif %} as consistency_share,
        max(ordered_on) as newest_on
    from orders
    group by source_system
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

line_fields as (

    select
        source_system,
        'order_lines' as entity,
        'product' as field,
        'order_lines' as weighed_as_entity,
        'product' as weighed_as_field,
        count(*) as rows_scored,
        {{ share_of('product_id is not null') }} as completeness_share,
        cast(null as double) as validity_share,
        cast(null as double) as uniqueness_share,
        {{ share_of("product_id <> 'unknown'") }} as consistency_share,
        max(ordered_on) as newest_on
    from order_lines
    group by source_system

),

product_fields as (

    {% for field, column in [
        ('name', 'product_name'), ('category', 'category'), ('department', 'department'), ('brand', 'brand'),
    ] %}
    select
        source_system,
        'products' as entity,
        '{{ field }}' as field,
        'products' as weighed_as_entity,
        '{{ field }}' as weighed_as_field,
        count(*) as rows_scored,
        {{ share_of(column ~ ' is not null') }} as completeness_share,
        cast(null as double) as validity_share,
        cast(null as double) as uniqueness_share,
        cast(null as double) as consistency_share,
        cast(null as date) as newest_on
    from products
    group by source_system
    having count({{ column }}) > 0
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

newest_deliveries as (

    select
        source_system,
        table_name,
        max({{ dbt.safe_cast('delivery', 'date') }}) as newest_on
    from profiles
    group by source_system, table_name

),

delivered_tables as (

    select
        reconciliation.source_system,
        'deliveries' as entity,
        reconciliation.table_name as field,
        'deliveries' as weighed_as_entity,
        '*' as weighed_as_field,
        sum(reconciliation.rows_delivered) as rows_scored,
        cast(null as double) as completeness_share,
        1 - cast(sum(reconciliation.rows_rejected) as double)
        / nullif(sum(reconciliation.rows_delivered), 0) as validity_share,
        cast(null as double) as uniqueness_share,
        {{ share_of('reconciliation.is_balanced') }} as consistency_share,
        max(newest_deliveries.newest_on) as newest_on
    from reconciliation
    left join newest_deliveries
        on
            reconciliation.source_system = newest_deliveries.source_system
            and reconciliation.table_name = newest_deliveries.table_name
    group by reconciliation.source_system, reconciliation.table_name

),

measured as (

    {% for relation in ['customer_fields', 'order_fields', 'line_fields', 'product_fields', 'delivered_tables'] %}
    select * from {{ relation }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

weighed as (

    select
        measured.source_system,
        measured.entity,
        measured.field,
        measured.rows_scored,
        measured.completeness_share,
        measured.validity_share,
        measured.uniqueness_share,
        measured.consistency_share,
        {{ timeliness('measured.newest_on', 'weights.timely_within_days') }} as timeliness_share,
        measured.newest_on,
        weights.completeness_weight,
        weights.validity_weight,
        weights.uniqueness_weight,
        weights.consistency_weight,
        weights.timeliness_weight
    from measured
    inner join weights
        on
            measured.weighed_as_entity = weights.entity
            and measured.weighed_as_field = weights.field

),

scored as (

    {# A dimension that can't be measured counts neither for nor against the field. #}
    select
        *,
        100 * (
            {%- for dimension in ['completeness', 'validity', 'uniqueness', 'consistency', 'timeliness'] %}
            coalesce({{ dimension }}_share * {{ dimension }}_weight, 0){{ ' +' if not loop.last }}
            {%- endfor %}
        ) / nullif(
            {%- for dimension in ['completeness', 'validity', 'uniqueness', 'consistency', 'timeliness'] %}
            case when {{ dimension }}_share is null then 0 else {{ dimension }}_weight end{{ ' +' if not loop.last }}
            {%- endfor %}, 0
        ) as score
    from weighed

),

final as (

    select
        source_system,
        entity,
        field,
        cast(rows_scored as bigint) as rows_scored,
        completeness_share,
        validity_share,
        uniqueness_share,
        consistency_share,
        cast(timeliness_share as double) as timeliness_share,
        cast(round(score, 1) as double) as score,
        case
            when score >= 90 then 'A'
            when score >= 80 then 'B'
            when score >= 70 then 'C'
            when score >= 50 then 'D'
            else 'E'
        end as grade,
        newest_on
    from scored
    where score is not null

)

select * from final
