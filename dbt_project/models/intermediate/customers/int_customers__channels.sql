{# Messages that the base's own response share counts for when a customer's share is estimated: with
   fewer messages than this the base speaks louder than the customer. #}
{%- set prior_messages = 5 %}

with

messages as (

    select * from {{ ref('int_messages__unioned') }}

),

responses as (

    select * from {{ ref('int_responses__unioned') }}

),

customers as (

    select * from {{ ref('int_customers__merged') }}

),

responded as (

    select distinct message_id
    from responses

),

outcomes as (

    select
        messages.customer_id,
        messages.channel,
        count(*) as messages,
        count(responded.message_id) as responded_messages
    from messages
    left join responded on messages.message_id = responded.message_id
    group by messages.customer_id, messages.channel

),

base as (

    select
        channel,
        cast(sum(responded_messages) as double) / sum(messages) as response_share
    from outcomes
    group by channel

),

reachable as (

    select
        customers.customer_id,
        base.channel,
        base.response_share as base_response_share
    from customers
    cross join base
    where
        (base.channel = 'email' and customers.has_email)
        or (base.channel in ('sms', 'whatsapp', 'phone') and customers.has_phone)
        or (base.channel = 'post' and customers.has_postal_address)
        or (base.channel = 'push' and customers.has_push)

),

estimated as (

    select
        reachable.customer_id,
        reachable.channel,
        coalesce(outcomes.messages, 0) as messages,
        coalesce(outcomes.responded_messages, 0) as responded_messages,
        (coalesce(outcomes.responded_messages, 0) + {{ prior_messages }} * reachable.base_response_share)
        / (coalesce(outcomes.messages, 0) + {{ prior_messages }}) as response_share
    from reachable
    left join outcomes
        on
            reachable.customer_id = outcomes.customer_id
            and reachable.channel = outcomes.channel

),

ranked as (

    select
        *,
        row_number() over (partition by customer_id order by response_share desc, channel) as channel_rank
    from estimated

),

best as (

    select * from ranked
    where channel_rank = 1

),

totals as (

    select
        customer_id,
        sum(messages) as messages,
        sum(responded_messages) as responded_messages
    from outcomes
    group by customer_id

),

final as (

    select
        customers.customer_id,
        coalesce(totals.messages, 0) as messages,
        coalesce(totals.responded_messages, 0) as responded_messages,
        best.response_share as best_channel_response_share,
        best.channel as best_channel
    from customers
    left join totals on customers.customer_id = totals.customer_id
    left join best on customers.customer_id = best.customer_id

)

select * from final
