"""What must hold of the ids of a run, and what a person should be told of.

Belongs here: the checks as queries over `identity`. Does not: reporting them (`defs/identity`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from ml.identity.golden.evidence import DRIFT
from ml.identity.relations import has_table

# More records than this on one person are seldom one person: a shop's telephone, a test account.
LARGEST_UNREVIEWED = 50
# A tenth of the linked pairs at other levels moves the weights of a field by a bit or so: a pair that was
# linked in doubt is no more, or the other way round. Less is what new records of the same kind do.
MOST_DRIFT = 0.10
# The share of linked records moves by a few points when a system is added; more is another resolver.
DRIFT_POINTS = 0.10


@dataclass(frozen=True)
class Outcome:
    """Whether a check passed, and the numbers behind it, without personal data."""

    is_passed: bool
    numbers: str


@dataclass(frozen=True)
class IdentityCheck:
    """A check: its name, whether a failure stops the run, and why it is asked."""

    name: str
    is_blocking: bool
    description: str
    ask: Callable[[duckdb.DuckDBPyConnection], Outcome]


def _one_id(connection: duckdb.DuckDBPyConnection) -> Outcome:
    ((records, ids, distinct, customers),) = connection.execute(
        """select (select count(*) from identity.customer_records), count(*), count(distinct record_id),
            (select count(*) from identity.golden_customers) - count(distinct customer_id)
        from identity.customer_ids"""
    ).fetchall()
    return Outcome(
        records == ids == distinct and customers == 0,
        f"{records} records, {ids} ids, {distinct} records with one",
    )


def _one_household(connection: duckdb.DuckDBPyConnection) -> Outcome:
    ((split,),) = connection.execute(
        """select count(*) from (select 1 from identity.customer_ids
            group by customer_id having count(distinct household_id) > 1)"""
    ).fetchall()
    return Outcome(split == 0, f"{split} customers in several households")


def _size(connection: duckdb.DuckDBPyConnection) -> Outcome:
    ((largest, large),) = connection.execute(
        f"""select coalesce(max(records), 0), count(*) filter (records > {LARGEST_UNREVIEWED})
        from (select ids.customer_id, count(*) as records from identity.customer_ids as ids
            group by ids.customer_id
            -- the steward has looked at who is decided about
            having not bool_or(ids.record_id in (select record_id_l from identity.steward_decisions)))"""
    ).fetchall()
    return Outcome(
        large == 0, f"largest customer {largest} records, {large} above {LARGEST_UNREVIEWED}"
    )


def _drift(connection: duckdb.DuckDBPyConnection) -> Outcome:
    """Compare with the run before, whose marts still stand in the working copy."""
    ((share,),) = connection.execute(
        """select 1 - count(distinct customer_id) / nullif(count(*), 0) from identity.customer_ids"""
    ).fetchall()
    before = None
    if has_table(connection, "marts.customer_identities"):
        ((before,),) = connection.execute(
            """select 1 - count(distinct customer_id) / nullif(count(*), 0)
            from marts.customer_identities where valid_to is null and source_system in
                (select source_system from identity.customer_ids)"""
        ).fetchall()
    now = share or 0.0
    if before is None:
        return Outcome(
            True, f"{now:.1%} of the records belong to a customer of another; no run before"
        )
    return Outcome(
        abs(now - before) <= DRIFT_POINTS,
        f"{now:.1%} of the records belong to a customer of another, {before:.1%} in the run before",
    )


def _agreement(connection: duckdb.DuckDBPyConnection) -> Outcome:
    moved = connection.execute(
        f"""select dimension, value from identity.quality_report where metric = '{DRIFT}'
        order by value desc, dimension"""
    ).fetchall()
    if not moved:
        return Outcome(True, "too few linked pairs to compare")
    most = ", ".join(f"{field} {share:.1%}" for field, share in moved[:3])
    return Outcome(moved[0][1] <= MOST_DRIFT, f"linked pairs that agree otherwise: {most}")


def _known(connection: duckdb.DuckDBPyConnection) -> Outcome:
    ((unknown, pairs),) = connection.execute(
        """select count(*) filter (record_id_l not in (select record_id from identity.customer_ids)
            or record_id_r not in (select record_id from identity.customer_ids)), count(*)
        from identity.steward_decisions"""
    ).fetchall()
    return Outcome(
        unknown == 0, f"{unknown} of {pairs} decided pairs name a record that is not there"
    )


CHECKS = (
    IdentityCheck(
        "every_record_has_one_customer",
        True,
        "Facts look their customer up by record: none or two would lose or double them. Every customer "
        "has one golden row.",
        _one_id,
    ),
    IdentityCheck(
        "a_customer_is_in_one_household",
        True,
        "Households are made of whole persons.",
        _one_household,
    ),
    IdentityCheck(
        "no_large_customer_unreviewed",
        False,
        f"More than {LARGEST_UNREVIEWED} records on one person hint at something shared by many: look "
        "at identity.review_queue. Warns only.",
        _size,
    ),
    IdentityCheck(
        "linked_share_is_steady",
        False,
        f"The share of records that belong to a customer of another record moved by at most "
        f"{DRIFT_POINTS:.0%} since the run before: more hints at changed data or a changed model. "
        "Warns only.",
        _drift,
    ),
    IdentityCheck(
        "linked_pairs_agree_as_learnt",
        False,
        f"Of the linked pairs at most {MOST_DRIFT:.0%} agree in a field at another level than when the "
        "model was trained: more hints at a source that writes otherwise now. The next model, after a "
        "month at the latest, learns it. Warns only.",
        _agreement,
    ),
    IdentityCheck(
        "decisions_name_known_records",
        False,
        "A decision about a record that is not there does nothing: a typing error, or a record that the "
        "source deleted. Warns only.",
        _known,
    ),
)


def run_checks(connection: duckdb.DuckDBPyConnection) -> list[tuple[IdentityCheck, Outcome]]:
    """Ask every check."""
    return [(check, check.ask(connection)) for check in CHECKS]
