"""Consent against the truth of the simulated market: who withdrew there is in no plan here."""

from __future__ import annotations

from pathlib import Path

import duckdb

# What the systems deliver of what people tell them; the rest of the truth never leaves the simulation.
DELIVERED = """(values
    ('erp', 'email', 'email'), ('erp', 'sms', 'sms'), ('erp', 'postal', 'post'),
    ('ecommerce', 'email', 'email'), ('ecommerce', 'sms', 'sms'),
    ('dms', 'email', 'email'), ('dms', 'sms', 'sms'), ('dms', 'phone', 'phone'),
    ('mailing', 'email', 'email')
) as delivered (system, told, channel)"""


def test_nobody_who_truly_withdrew_is_in_the_plan(market_home: Path) -> None:
    """By the last word of each person to each system, joined by the true identities of the records."""
    truth = market_home / "landing" / "truth"
    with duckdb.connect(str(market_home / "warehouse" / "crm.duckdb"), read_only=True) as warehouse:
        withdrawn, contacted, refused, denied = warehouse.execute(
            f"""with last_words as (
                select person_id, delivered.system, delivered.channel,
                    arg_max(is_granted, occurred_at) as is_granted
                from '{truth}/consent_events.parquet' as told
                inner join {DELIVERED} on told.system = delivered.system and told.channel = delivered.told
                where purpose = 'marketing'
                group by all
            ),
            forbidden as (
                select distinct identities.customer_id, last_words.channel
                from last_words
                inner join '{truth}/source_records.parquet' as records
                    on records.person_id = last_words.person_id
                    and records.source_system = last_words.system
                inner join marts.customer_identities as identities
                    on identities.source_system = records.source_system
                    and identities.source_customer_id = records.source_customer_id
                    and identities.valid_to is null
                where not last_words.is_granted
            ),
            people as (
                -- those who said no on joining; a company's record is not the person's
                select distinct identities.customer_id
                from '{truth}/people.parquet' as people
                inner join '{truth}/source_records.parquet' as records using (person_id)
                inner join marts.customer_identities as identities
                    on identities.source_system = records.source_system
                    and identities.source_customer_id = records.source_customer_id
                    and identities.valid_to is null
                where not people.accepts_sms and records.source_system in ('erp', 'ecommerce', 'dms')
                and people.person_id not in (select person_id from last_words)
            )
            select (select count(*) from forbidden),
                (select count(*) from forbidden inner join plan.contact_plan using (customer_id, channel)),
                (select count(*) from people),
                (select count(*) from people inner join plan.contact_plan using (customer_id)
                    where channel = 'sms')"""
        ).fetchall()[0]
    # In 120 days few take a word back; most who say no said so on joining.
    assert withdrawn >= 2
    assert refused >= 50
    assert (contacted, denied) == (0, 0)
