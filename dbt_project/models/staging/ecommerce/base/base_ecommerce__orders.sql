with

order_lines as (

    select * from {{ ref('base_ecommerce__order_lines') }}

),

customers as (

    select * from {{ ref('base_ecommerce__customers') }}

),

-- the fields of an order stand in its first line; the other lines leave them blank
headed as (

    select
        *,
        max(ordered_at) over (partition by delivered_at) as last_ordered_at,
        row_number() over (
            partition by source_order_id
            order by delivered_at desc, coalesce(refunded_amount, 0) desc, source_product_id
        ) as place
    from order_lines
    where ordered_at is not null

),

headers as (

    select * from headed
    where place = 1

),

-- an order knows the customer by e-mail; where two accounts share one, the older number has it
accounts as (

    select
        email_key,
        min(source_customer_id) as source_customer_id
    from customers
    where email_key is not null
    group by email_key

),

noted as (

    select
        headers.*,
        accounts.source_customer_id as account_id,
        {{ note_value('headers.notes', 'utm_medium') }} as utm_medium,
        {{ note_value('headers.notes', 'utm_source') }} as utm_source,
        {{ note_value('headers.notes', 'utm_campaign') }} as utm_campaign
    from headers
    left join accounts on headers.email_key = accounts.email_key

),

final as (

    select
        -- ids
        source_order_id,
        -- who checks out as a guest is known by the e-mail address
        coalesce(account_id, {{ dbt.concat(["'guest:'", "email_key"]) }}) as source_customer_id,
        account_id is null and email_key is not null as is_guest,

        -- strings
        email_key,
        billing_name,
        billing_street,
        billing_city,
        billing_postal_code,
        billing_province_letters,
        billing_country_code,
        billing_phone,
        accepts_marketing,
        financial_status,
        currency,
        nullif(trim(discount_code), '') as discount_code,
        case
            when utm_medium is null and utm_source is null and nullif(trim(discount_code), '') is not null then 'coupon'
            when utm_medium is null and utm_source is null then 'direct'
            else {{ mapped_value('ecommerce', 'conversion_source', 'coalesce(noted.utm_medium, noted.utm_source)', "'other'") }}
        end as conversion_source,
        utm_campaign,

        -- numerics
        subtotal,
        coalesce(shipping, 0) as shipping,
        total,
        case
            when financial_status in ('refunded', 'voided') then coalesce(total, subtotal + coalesce(shipping, 0))
            else least(coalesce(refunded_amount, 0), coalesce(total, refunded_amount, 0))
        end as refunded_amount,

        -- times
        ordered_at,
        -- the export does not date a refund: the cancellation, else the delivery that tells of it; one that
        -- names only a month knew at least what happened until its last order
        greatest(ordered_at, coalesce(
            cancelled_at,
            case
                when not is_delivery_day_known and last_ordered_at > {{ dbt.dateadd('day', -31, 'delivered_at') }}
                    then least(last_ordered_at, delivered_at)
                else delivered_at
            end,
            ordered_at
        )) as refunded_at
    from noted

)

select * from final
