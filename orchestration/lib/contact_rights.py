"""The customers of the contact plan with their contact rights: facts of SQL as the numbers the plan takes.

Belongs here: the query that packs `int_customers__contact_rights`. Does not: what the facts mean
(`ml.contact_plan.legal`).
"""

from __future__ import annotations

from ml.contact_plan import EVERY_FACT, FACT_COLUMNS, FACTS_OF


def plan_customers_query() -> str:
    """Return the query of the plan's customers: one row each, a number of facts for each channel.

    A fact that is NULL, and a channel without a row, count as everything that can forbid a contact.
    """
    packed = " + ".join(
        f"case when coalesce({column}, true) then {int(fact)} else 0 end"
        for column, fact in FACT_COLUMNS.items()
    )
    by_channel = ",\n    ".join(
        f"max(case when channel = '{channel}' then facts end) as {column}"
        for channel, column in FACTS_OF.items()
    )
    wanted = ",\n    ".join(
        f"coalesce(rights.{column}, {EVERY_FACT}) as {column}" for column in FACTS_OF.values()
    )
    return f"""with
facts as (
    select customer_id, channel, {packed} as facts
    from intermediate.int_customers__contact_rights
),
rights as (
    select customer_id,
    {by_channel}
    from facts
    group by customer_id
)
select customers.*,
    {wanted}
from intermediate.int_plays__plan_customers as customers
left join rights on customers.customer_id = rights.customer_id"""
