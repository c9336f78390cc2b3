{# A view: sessions and views of products are its aggregates; a copy of every event would serve nobody. #}
{{ config(materialized="view") }}

with

web_events as (

    {{ union_enabled('web_events') }}

),

settings as (

    select * from {{ source('ops', 'settings') }}

),

final as (

    select
        {{ prefixed_id('web_events.source_system', 'web_events.source_session_id') }} as session_id,
        web_events.*
    from web_events
    cross join settings
    -- the as-of cut
    where {{ is_known('web_events.occurred_at', 'web_events.source_system') }}

)

select * from final
