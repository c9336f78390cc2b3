with

source as (

    select * from {{ source('ecommerce', 'order_lines') }}

),

renamed as (

    select
        -- ids
        {{ without_apostrophe('order_name') }} as source_order_id,
        {{ without_apostrophe('line_sku') }} as source_product_id,

        -- strings of the order, in its first line only but for the e-mail
        nullif(lower(trim(email)), '') as email_key,
        lower(financial_status) as financial_status,
        currency,
        discount_code,
        billing_name,
        billing_street,
        billing_city,
        {{ without_apostrophe('billing_postal_code') }} as billing_postal_code,
        upper({{ without_apostrophe('billing_province_letters') }}) as billing_province_letters,
        upper(billing_country_code) as billing_country_code,
        {{ without_apostrophe('billing_phone') }} as billing_phone,
        lower(accepts_marketing) as accepts_marketing,
        -- a line per note, name=value; a blank line before, so that each name follows a line's end
        {{ dbt.concat(["'\n'", "replace(note_attributes, '\r', '')"]) }} as notes,

        -- numerics of the order
        subtotal,
        shipping,
        total,
        refunded_amount,

        -- strings and numerics of the line
        line_name,
        line_quantity as quantity,
        line_price as unit_price,
        coalesce(line_discount, 0) as line_discount_amount,

        -- times
        created_at as ordered_at,
        cancelled_at,
        {{ delivered_at('_delivery') }} as delivered_at,
        length({{ dbt.split_part('_delivery', "'|'", 1) }}) >= 8 as is_delivery_day_known
    from source

)

select * from renamed
