"""The golden customers as a table: chosen again for whom anything changed, else as they were.

Belongs here: which customers that are. Does not: how values are chosen (`survivorship`).
"""

from __future__ import annotations

from hashlib import sha256

import duckdb

from ml.identity.golden.records import number_of, rows_of
from ml.identity.golden.survivorship import read_columns, survivorship_sql
from ml.identity.golden.survivorship_rules import RuleSet
from ml.identity.golden.touched import ALL, CUSTOMER_IDS, PENDING
from ml.identity.relations import has_table

GOLDEN_CUSTOMERS = "identity.golden_customers"
# What the table was made with: another rule set makes it anew.
MADE_WITH = "identity.linkage_golden_made_with"
RIVALS, RIVAL_IDS = "golden_rivals", "golden_rival_ids"


def write_golden_customers(
    connection: duckdb.DuckDBPyConnection, rule_set: RuleSet, records: str
) -> int:
    """Write ``identity.golden_customers``, one row per customer; return how many were chosen for.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Database in which ``assign_ids`` ran.
    rule_set : RuleSet
        What :func:`parse_rule_set` read.
    records : str
        Relation that the ids were given to, with the columns that the rules name.
    """
    query = survivorship_sql(rule_set, records, CUSTOMER_IDS)
    made_with = sha256(query.encode()).hexdigest()
    connection.execute("begin")
    if _is_up_to_date(connection, made_with):
        chosen = _write_some(connection, rule_set, records)
    else:
        ((chosen,),) = connection.execute(
            f"create or replace table {GOLDEN_CUSTOMERS} as {query}"
        ).fetchall()
        connection.execute(
            f"create or replace table {MADE_WITH} as select cast(? as varchar) as rules_hash",
            [made_with],
        )
    connection.execute(f"create or replace table {PENDING} (customer_id varchar)")
    connection.execute("commit")
    return int(chosen)


def _is_up_to_date(connection: duckdb.DuckDBPyConnection, made_with: str) -> bool:
    """Whether the table is right but for the customers that wait to be chosen for."""
    if not all(has_table(connection, name) for name in (GOLDEN_CUSTOMERS, MADE_WITH, PENDING)):
        return False
    ((is_same, has_all),) = connection.execute(
        f"""select (select bool_and(rules_hash = ?) from {MADE_WITH}),
            exists (from {PENDING} where customer_id = '{ALL}')""",
        [made_with],
    ).fetchall()
    return bool(is_same) and not has_all


def _write_some(connection: duckdb.DuckDBPyConnection, rule_set: RuleSet, records: str) -> int:
    """Choose again for the customers that wait."""
    connection.execute(
        f"""create or replace temp table {RIVAL_IDS} as
        select record_id, customer_id from {CUSTOMER_IDS} where customer_id in (from {PENDING})"""
    )
    connection.execute(
        f"""create or replace temp table golden_rival_numbers as
        select {number_of("record_id")} as record_number from {RIVAL_IDS}"""
    )
    columns = ", ".join(f'"{name}"' for name in read_columns(rule_set))
    connection.execute(
        f"create or replace temp table {RIVALS} as "
        f"select {columns} from {rows_of(records, 'golden_rival_numbers')}"
    )
    connection.execute(f"delete from {GOLDEN_CUSTOMERS} where customer_id in (from {PENDING})")
    ((chosen,),) = connection.execute(
        f"insert into {GOLDEN_CUSTOMERS} by name {survivorship_sql(rule_set, RIVALS, RIVAL_IDS)}"
    ).fetchall()
    return int(chosen)
