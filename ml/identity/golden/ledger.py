"""The ledger of ids: every merge, split, birth and end with its cause, appended and never rewritten.

Belongs here: telling two states of the ids apart in words. Does not: choosing ids (`stable_ids`).
"""

from __future__ import annotations

from datetime import date

import duckdb

from ml.identity.golden.assignments import ASSIGNED, ASSIGNMENTS
from ml.identity.golden.steward import DECISIONS
from ml.identity.relations import has_table


def ledger_of(kind: str) -> str:
    """Return the table that keeps the changes of a kind of id (customer or household)."""
    return f"identity.{kind}_id_history"


def prepare_ledger(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the ledgers where they don't exist."""
    for kind in ("customer", "household"):
        connection.execute(
            f"""create table if not exists {ledger_of(kind)} (
                change_number bigint, changed_at timestamp, cause varchar,
                from_{kind}_id varchar, to_{kind}_id varchar, records bigint)"""
        )


def append_changes(
    connection: duckdb.DuckDBPyConnection, kind: str, as_of: date, others: str
) -> int:
    """Append what the run changes against the last one, of the same day or before; return the rows.

    Reads ``golden_outgoing`` and ``golden_incoming`` (``find_differences``), before the day is written.
    A run that changes nothing appends nothing. ``others`` is a relation with the ids of the records that
    the run did not look at.
    """
    column = f"{kind}_id"
    connection.execute(
        f"""create or replace temp table golden_moves as
        with moves as (
            select new.record_id, old.{column} as old_id, new.{column} as new_id
            from golden_outgoing as old full outer join golden_incoming as new using (origin_record_id)
            where old.{column} is distinct from new.{column}
        ), before as (
            -- every id of before the run that a move touches
            select distinct {column} as id from {ASSIGNMENTS} where to_date is null
                and {column} in (select new_id from moves)
        ), after as (
            select distinct {column} as id from {ASSIGNED} where {column} in (select old_id from moves)
        )
        select moves.*, after.id is not null as is_old_alive, before.id is not null as was_new_there
        from moves left join before on before.id = moves.new_id left join after on after.id = moves.old_id"""
    )
    ((moves,),) = connection.execute("select count(*) from golden_moves").fetchall()
    if not moves:
        return 0
    _mark_steward_moves(connection, column, others)
    ((rows,),) = connection.execute(
        f"""insert into {ledger_of(kind)}
        with known_before as (
            select distinct {column} as id from {ASSIGNMENTS} where from_date < date '{as_of}'
                and {column} in (select new_id from golden_moves where old_id is null)
        ), changes as (
            select
                case
                    when old_id is null and new_id in (select id from known_before) then 'restored'
                    when old_id is null then 'created'
                    when new_id is null then 'vanished'
                    when bool_or(is_matched_by_steward) then 'matched_by_steward'
                    when bool_or(is_unmerged_by_steward) then 'unmerged_by_steward'
                    when bool_and(is_old_alive and was_new_there) then 'moved'
                    when bool_and(is_old_alive) then 'split'
                    when bool_and(was_new_there) then 'merged'
                    else 'renamed'
                end as cause,
                old_id, new_id, count(*) as records
            from golden_moves
            -- a record that joins or leaves a customer who stays changes no id
            where not (old_id is null and was_new_there) and not (new_id is null and is_old_alive)
            group by old_id, new_id
        )
        select (select coalesce(max(change_number), 0) from {ledger_of(kind)})
                + row_number() over (order by cause, old_id, new_id),
            timestamp '{as_of}', cause, old_id, new_id, records
        from changes
        -- who is told of as merged or renamed is not told of again as new or gone
        where not (cause in ('created', 'restored') and new_id in (
                select new_id from changes where old_id is not null and new_id is not null))
            and not (cause = 'vanished' and old_id in (
                select old_id from changes where old_id is not null and new_id is not null))"""
    ).fetchall()
    return int(rows)


def _mark_steward_moves(connection: duckdb.DuckDBPyConnection, column: str, others: str) -> None:
    """Mark the moves that follow from a decision about a pair that now is together or apart."""
    connection.execute(
        "alter table golden_moves add column is_matched_by_steward boolean default false"
    )
    connection.execute(
        "alter table golden_moves add column is_unmerged_by_steward boolean default false"
    )
    if not has_table(connection, DECISIONS):
        return
    ((decided,),) = connection.execute(f"select count(*) from {DECISIONS}").fetchall()
    if not decided:
        return
    both_ways = f"""select record_id_l as one, record_id_r as other, decision from {DECISIONS}
        union all select record_id_r, record_id_l, decision from {DECISIONS}"""
    # the pair's other record: its customer before and now, moved or not
    connection.execute(
        f"""create or replace temp table golden_decided as
        select decisions.one as record_id, decisions.decision,
            now.{column} as other_new_id,
            case when moves.record_id is null then now.{column} else moves.old_id end as other_old_id
        from ({both_ways}) as decisions
        inner join (select record_id, {column} from {ASSIGNED}
            union all select record_id, {column} from {others}
            where record_id in (select other from ({both_ways}))) as now
            on now.record_id = decisions.other
        left join golden_moves as moves on moves.record_id = decisions.other"""
    )
    connection.execute(
        """update golden_moves set is_matched_by_steward = exists (
                select 1 from golden_decided as decided where decided.record_id = golden_moves.record_id
                and decided.decision = 'always_match' and decided.other_new_id = golden_moves.new_id
                and decided.other_old_id is distinct from golden_moves.old_id),
            is_unmerged_by_steward = exists (
                select 1 from golden_decided as decided where decided.record_id = golden_moves.record_id
                and decided.decision = 'never_match' and decided.other_old_id = golden_moves.old_id
                and decided.other_new_id is distinct from golden_moves.new_id)"""
    )
