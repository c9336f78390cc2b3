with

records as (

    select * from {{ source('identity', 'customer_records') }}

),

rejects as (

    select * from {{ source('ledger', 'rejects') }}

),

reconciliation as (

    select * from {{ ref('reconciliation') }}

),

record_counts as (

    select
        source_system,
        count(*) as records
    from records
    group by source_system

),

coded as (

    {% for entry in customer_fields() if entry.issue is defined %}
    select
        source_system,
        '{{ entry.field }}' as field,
        coalesce({{ entry.flag }}, false) as is_valid,
        {{ split_to_rows(entry.issue, ',') }} as issue_code
    from records
    where {{ entry.issue }} is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

judged as (

    select
        source_system,
        field,
        issue_code,
        -- nobody can mend what was left out
        is_valid and issue_code <> 'missing_surname_2' as is_mended
    from coded

),

record_issues as (

    select
        judged.source_system,
        'customers' as entity,
        judged.field,
        judged.issue_code,
        judged.is_mended,
        count(*) as records,
        max(record_counts.records) as records_in_all
    from judged
    inner join record_counts on judged.source_system = record_counts.source_system
    group by judged.source_system, judged.field, judged.issue_code, judged.is_mended

),

delivered as (

    select
        source_system,
        table_name,
        sum(rows_delivered) as rows_delivered
    from reconciliation
    group by source_system, table_name

),

rejected as (

    select
        rejects.source_system,
        rejects.table_name as entity,
        rejects.column_name as field,
        'rejected' as issue_code,
        false as is_mended,
        count(*) as records,
        max(delivered.rows_delivered) as records_in_all
    from rejects
    inner join delivered
        on
            rejects.source_system = delivered.source_system
            and rejects.table_name = delivered.table_name
    group by rejects.source_system, rejects.table_name, rejects.column_name

),

unioned as (

    select * from record_issues
    union all
    select * from rejected

),

final as (

    select
        source_system,
        entity,
        coalesce(field, '(row)') as field,
        issue_code,
        is_mended,
        cast(records as bigint) as records,
        cast(records as double) / nullif(records_in_all, 0) as records_share
    from unioned

)

select * from final
