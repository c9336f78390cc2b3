with

members as (

    select * from {{ ref('base_mailing__members') }}

),

activity as (

    select * from {{ ref('base_mailing__activity') }}

),

robinson as (

    select * from {{ ref('base_mailing__robinson') }}

),

listed as (

    select
        cast(null as {{ dbt.type_string() }}) as source_customer_id,
        {{ mapped_value('mailing', 'suppressed_channel', 'kind', otherwise="'all'") }} as channel,
        'opt_out_list' as reason,
        {{ mapped_value('mailing', 'identifier_kind', 'kind', otherwise='kind') }} as identifier_kind,
        identifier_sha256,
        cast(listed_on as {{ dbt.type_timestamp() }}) as suppressed_at
    from robinson

),

addresses as (

    select
        source_customer_id,
        'unsubscribed' as reason,
        unsubscribed_at as suppressed_at
    from members
    where member_status = 'unsubscribed'
    union all
    select
        source_customer_id,
        'hard_bounce' as reason,
        cleaned_at as suppressed_at
    from members
    where member_status = 'cleaned'
    union all
    select
        source_customer_id,
        case when action = 'abuse' then 'complaint' else 'hard_bounce' end as reason,
        occurred_at as suppressed_at
    from activity
    where action = 'abuse' or (action = 'bounce' and bounce_type = 'hard')

),

first_reasons as (

    select
        source_customer_id,
        'email' as channel,
        reason,
        'email' as identifier_kind,
        {{ sha256_hex('source_customer_id') }} as identifier_sha256,
        min(suppressed_at) as suppressed_at
    from addresses
    group by source_customer_id, reason

),

suppressions as (

    select * from listed
    union all
    select * from first_reasons

),

final as (

    select
        {{ dbt.hash(dbt.concat([
            'reason', "':'", "coalesce(source_customer_id, '')", "':'", "coalesce(identifier_kind, '')", "':'",
            "coalesce(identifier_sha256, '')",
        ])) }} as source_suppression_id,
        source_customer_id,
        {{ typed_nulls('suppressions', provided=[
            'source_suppression_id', 'source_customer_id', 'channel', 'reason', 'identifier_kind',
            'identifier_sha256', 'suppressed_at',
        ]) }},
        channel,
        reason,
        identifier_kind,
        identifier_sha256,
        suppressed_at
    from suppressions

)

select * from final
