{# A view: what it reads is one, and the as-of cut was made before that was written. #}
{{ config(materialized="view") }}

with

final as (

    select * from {{ source('identity', 'usable_records') }}

)

select * from final
