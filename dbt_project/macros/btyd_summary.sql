{#
  Sufficient statistics of "buy till you die" models per customer, from a relation with one row per
  customer and purchase day (customer_id, purchase_date, net_amount). Purchases from end_date on do
  not exist for it; the last observed day is the day before.
#}
{% macro btyd_summary(relation, end_date) %}
    select
        per_customer.customer_id,
        cast(per_customer.purchase_days - 1 as bigint) as repeat_frequency,
        cast(
            {{ days_between('per_customer.first_purchase_date', 'per_customer.last_purchase_date') }} as bigint
        ) as age_at_last_purchase_days,
        cast({{ days_between('per_customer.first_purchase_date', end_date) }} - 1 as bigint) as t_days,
        -- the first day is left out: it tells how the customer was acquired, not how they spend
        cast(per_customer.net_amount - per_customer.first_day_net_amount as double)
        / nullif(per_customer.purchase_days - 1, 0) as repeat_monetary_value
    from (
        select
            numbered.customer_id,
            count(*) as purchase_days,
            min(numbered.purchase_date) as first_purchase_date,
            max(numbered.purchase_date) as last_purchase_date,
            sum(numbered.net_amount) as net_amount,
            sum(case when numbered.day_number = 1 then numbered.net_amount else 0 end) as first_day_net_amount
        from (
            select
                days.customer_id,
                days.purchase_date,
                days.net_amount,
                row_number() over (partition by days.customer_id order by days.purchase_date) as day_number
            from {{ relation }} as days
            where days.purchase_date < {{ end_date }}
        ) as numbered
        group by numbered.customer_id
    ) as per_customer
{% endmacro %}
