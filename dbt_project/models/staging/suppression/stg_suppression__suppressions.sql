with

source as (

    select * from {{ source('suppression', 'entries') }}

),

renamed as (

    select
        -- strings
        {{ mapped_value('suppression', 'identifier_kind', 'kind', otherwise='lower(trim(kind))') }} as identifier_kind,
        lower(trim(sha256)) as identifier_sha256,
        -- an id is of a person, not of an address; what no map knows forbids everything
        coalesce(
            {{ mapped_value('suppression', 'channel', 'channel') }},
            case
                when nullif(trim(channel), '') is null
                    then {{ mapped_value('suppression', 'suppressed_channel', 'kind') }}
            end,
            'all'
        ) as channel,
        coalesce(nullif(lower(trim(list_name)), ''), 'robinson') as list_name,
        coalesce({{ mapped_value('suppression', 'action', 'action') }}, 'add') as action,

        -- dates
        listed_on
    from source

),

additions as (

    select distinct
        list_name,
        identifier_kind,
        identifier_sha256,
        channel,
        listed_on
    from renamed
    where action = 'add'

),

lifts as (

    select * from renamed
    where action = 'lift'

),

-- until when: the first lift after it; a lift on the same day is in doubt and lifts nothing
entries as (

    select
        additions.list_name,
        additions.identifier_kind,
        additions.identifier_sha256,
        additions.channel,
        additions.listed_on,
        min(lifts.listed_on) as lifted_on
    from additions
    left join lifts
        on
            additions.list_name = lifts.list_name
            and additions.identifier_kind = lifts.identifier_kind
            and additions.identifier_sha256 = lifts.identifier_sha256
            and additions.channel = lifts.channel
            and additions.listed_on < lifts.listed_on
    group by
        additions.list_name,
        additions.identifier_kind,
        additions.identifier_sha256,
        additions.channel,
        additions.listed_on

),

final as (

    select
        {{ dbt.hash(dbt.concat([
            'list_name', "':'", 'identifier_kind', "':'", 'identifier_sha256', "':'", 'channel', "':'",
            "coalesce(cast(listed_on as " ~ dbt.type_string() ~ "), '')",
        ])) }} as source_suppression_id,
        {{ typed_nulls('suppressions', provided=[
            'source_suppression_id', 'channel', 'reason', 'identifier_kind', 'identifier_sha256', 'suppressed_at', 'lifted_at',
        ]) }},
        channel,
        'opt_out_list' as reason,
        identifier_kind,
        identifier_sha256,
        cast(listed_on as {{ dbt.type_timestamp() }}) as suppressed_at,
        cast(lifted_on as {{ dbt.type_timestamp() }}) as lifted_at
    from entries

)

select * from final
