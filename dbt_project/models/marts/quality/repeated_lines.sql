with

repeated_lines as (

    {{ union_enabled('repeated_lines') }}

),

final as (

    select
        source_system,
        table_name,
        coalesce(lines, 0) as lines,
        coalesce(repeated_lines, 0) as repeated_lines,
        repeated_lines / nullif(cast(lines as double), 0) as repeated_line_share,
        repeated_net_amount
    from repeated_lines

)

select * from final
