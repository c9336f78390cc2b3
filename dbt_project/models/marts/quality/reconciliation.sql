with

batches as (

    select * from {{ source('ledger', 'batches') }}

),

final as (

    select
        batch_id,
        source_system,
        table_name,
        source_file,
        status,
        cast(rows_delivered as bigint) as rows_delivered,
        cast(rows_loaded as bigint) as rows_loaded,
        cast(rows_rejected as bigint) as rows_rejected,
        cast(rows_unchanged as bigint) as rows_unchanged,
        rows_delivered = rows_loaded + rows_rejected + rows_unchanged as is_balanced,
        loaded_at
    from batches

)

select * from final
