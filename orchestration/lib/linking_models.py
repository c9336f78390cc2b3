"""Which trained model a run links with: the one that the days before used, never one of a later day.

Belongs here: keeping account of models by as-of date. Does not: training (`ml/identity/linking`).

A run of a day gives the same clusters however often, and after whatever tries, it is repeated: its model
is that of the last recorded day before it, else it trains on what it sees. A run that looks back leaves
no trace.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import duckdb

MODELS = "identity.linking_models"
RUNS = "identity.linking_runs"
# What the resolver keeps of its last run, scored with one model, is called so.
KEPT_PREFIX = "linkage_"
# Tells whether the records are those of another run, whatever their order.
RECORDS_HASH = "coalesce(cast(bit_xor(hash(given)) as varchar), '') || '/' || count(*)"
# Names and addresses of a base drift slowly.
OLDEST_MODEL_DAYS = 31

DDL = f"""
create schema if not exists identity;
create table if not exists {RUNS} (
    as_of_date date, model_id varchar, trained_on date, records_hash varchar
);
create table if not exists {MODELS} (
    model_id varchar, model varchar, records bigint, is_current boolean
);
"""


@dataclass(frozen=True)
class ModelChoice:
    """Whether the run must train, and what it knows of the records to be linked."""

    is_retraining: bool
    records_hash: str


@contextmanager
def chosen_model(
    connection: duckdb.DuckDBPyConnection,
    as_of: date,
    records: str,
    *,
    is_full_refresh: bool,
    is_looking_back: bool,
) -> Iterator[ModelChoice]:
    """Make the model of the run the current one; afterwards record which was used.

    ``records`` is the relation that the resolver reads. With ``is_full_refresh`` every pair is scored
    again, with the same model.
    """
    connection.execute(DDL)
    ((records_hash,),) = connection.execute(
        f"select {RECORDS_HASH} from {records} as given"
    ).fetchall()
    before = connection.execute(
        f"select model_id, trained_on from {RUNS} where as_of_date < ? order by as_of_date desc limit 1",
        [as_of],
    ).fetchall()
    same_day = connection.execute(
        f"select model_id, records_hash from {RUNS} where as_of_date = ?", [as_of]
    ).fetchall()
    if same_day and same_day[0][1] == records_hash:
        wanted = same_day[0][0]
    elif before and (as_of - before[0][1]).days <= OLDEST_MODEL_DAYS:
        wanted = before[0][0]
    else:
        wanted = None
    ((last,),) = connection.execute(f"select max_by(model_id, as_of_date) from {RUNS}").fetchall()
    if is_full_refresh or is_looking_back or wanted != last:
        forget_scores(connection)
    kept = connection.execute(f"from {MODELS}").fetchall() if is_looking_back else []
    connection.execute(f"update {MODELS} set is_current = coalesce(model_id = ?, false)", [wanted])
    yield ModelChoice(wanted is None, records_hash)
    if is_looking_back:
        forget_scores(connection)
        connection.execute(f"delete from {MODELS}")
        if kept:
            connection.executemany(f"insert into {MODELS} values (?, ?, ?, ?)", kept)
        return
    _record(connection, as_of, records_hash)


def _record(connection: duckdb.DuckDBPyConnection, as_of: date, records_hash: str) -> None:
    """Write the run's row and drop the models that no run used."""
    current = connection.execute(f"select model_id from {MODELS} where is_current").fetchall()
    if not current:
        return
    connection.execute(f"delete from {RUNS} where as_of_date = ?", [as_of])
    connection.execute(
        f"""insert into {RUNS} select ?, ?, coalesce(
            (select min(trained_on) from {RUNS} where model_id = ?), ?), ?""",
        [as_of, current[0][0], current[0][0], as_of, records_hash],
    )
    connection.execute(f"delete from {MODELS} where model_id not in (select model_id from {RUNS})")


def forget_scores(connection: duckdb.DuckDBPyConnection) -> None:
    """Drop what the resolver kept, so that it scores every pair again."""
    for (table,) in connection.execute(
        "select table_name from duckdb_tables() where schema_name = 'identity' "
        "and starts_with(table_name, ?) and database_name = current_database()",
        [KEPT_PREFIX],
    ).fetchall():
        connection.execute(f'drop table identity."{table}"')
