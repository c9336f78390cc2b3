"""The steward's word about pairs of records: what holds now, and what can't hold together.

Belongs here: reading decisions into ``identity.steward_decisions``. Does not: obeying them: `linking`
keeps apart what must be (``identity.pair_decisions``), `decided` unites.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import duckdb

from ml.identity.golden.assignments import KNOWN_RECORDS
from ml.identity.golden.errors import ContradictoryDecisionsError
from ml.identity.relations import has_table

DECISIONS = "identity.steward_decisions"
# What the linking reads: it would weigh an always-match against what the other records say.
PAIR_DECISIONS = "identity.pair_decisions"
UNMERGED = "identity.unmerged_pairs"
ALWAYS, NEVER, UNMERGE, REVOKE = "always_match", "never_match", "unmerge", "revoke"
KINDS = (ALWAYS, NEVER, UNMERGE, REVOKE)
MAX_NAMED = 10
TELEPHONE = re.compile(r"(tel:.*)|((\+|00)?34)?[6-9][0-9]{8}")
Pair = tuple[str, str]

UNMERGED_DDL = f"""
create schema if not exists identity;
create table if not exists {UNMERGED} (
    record_id varchar, decided_at timestamp, other_record_id varchar
);
"""
TABLES_DDL = f"""
{UNMERGED_DDL}
create or replace table {DECISIONS} (
    record_id_l varchar, record_id_r varchar, decision varchar, decided_at timestamp,
    source_file varchar, row_number bigint
);
create or replace table {PAIR_DECISIONS} (
    record_id_l varchar, record_id_r varchar, decision varchar
);
"""


@dataclass(frozen=True)
class Decision:
    """One row of a decision file; ``other`` is empty for an unmerge from all, or its revocation."""

    kind: str
    record: str
    other: str
    decided_at: datetime
    source_file: str
    row_number: int

    @property
    def place(self) -> str:
        """Where the decision stands."""
        return f"{self.source_file} row {self.row_number}"

    @property
    def sentence(self) -> str:
        """The decision by its source keys."""
        about = " and ".join(_named(record) for record in (self.record, self.other) if record)
        return f"{self.place} ({self.kind} of {about})"


@dataclass(frozen=True)
class DecisionCounts:
    """What was read: rows, pairs in force, and decisions about records that are not there."""

    rows: int
    always_pairs: int
    never_pairs: int
    rows_about_unknown_records: int


def prepare_decisions(
    connection: duckdb.DuckDBPyConnection, *, decisions: str, records: str
) -> DecisionCounts:
    """Write the pairs that are decided now; a later decision about a pair replaces an earlier one.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Database; ``identity.steward_decisions`` is written anew.
    decisions : str
        Relation with decision, record_id_1, record_id_2, decided_at, source_file and row_number; the
        second record may be NULL for ``unmerge`` and ``revoke``.
    records : str
        Relation with the record_id of every record that is there.

    Raises
    ------
    ContradictoryDecisionsError
        When rows can't be read, say opposite things at the same time, or tie two records together in
        a chain that others keep apart. Names the rows of the files.
    """
    connection.execute(TABLES_DDL)
    ((given,),) = connection.execute(f"select count(*) from {decisions}").fetchall()
    if not given:
        return DecisionCounts(0, 0, 0, 0)
    heirs = _heirs(connection, decisions, records)
    rows = [
        Decision(
            kind or "",
            heirs.get(record, record or ""),
            heirs.get(other, other or ""),
            decided_at,
            source_file,
            row_number,
        )
        for kind, record, other, decided_at, source_file, row_number in connection.execute(
            f"""select decision, record_id_1, record_id_2, decided_at, source_file, row_number
            from {decisions} order by decided_at, source_file, row_number"""
        ).fetchall()
    ]
    _require_readable(rows)
    unmerged: dict[tuple[str, datetime], list[str]] = defaultdict(list)
    for record, decided_at, other in connection.execute(
        f"select record_id, decided_at, other_record_id from {UNMERGED} "
        "where other_record_id is not null order by all"
    ).fetchall():
        unmerged[heirs.get(record, record), decided_at].append(heirs.get(other, other))
    in_force = decide(rows, unmerged)
    _require_possible(in_force)
    if in_force:
        connection.executemany(
            f"insert into {DECISIONS} values (?, ?, ?, ?, ?, ?)",
            [
                [*pair, _meaning(by), by.decided_at, by.source_file, by.row_number]
                for pair, by in sorted(in_force.items())
            ],
        )
    connection.execute(
        f"""insert into {PAIR_DECISIONS} select record_id_l, record_id_r, decision
        from {DECISIONS} where decision = '{NEVER}'"""
    )
    named = sorted({row.record for row in rows} | {row.other for row in rows if row.other})
    known = {
        found[0]
        for found in connection.execute(
            f"select record_id from {records} where record_id in (select unnest(?::varchar[]))",
            [named],
        ).fetchall()
    }
    return DecisionCounts(
        rows=len(rows),
        always_pairs=sum(by.kind == ALWAYS for by in in_force.values()),
        never_pairs=sum(by.kind != ALWAYS for by in in_force.values()),
        rows_about_unknown_records=sum(
            row.record not in known or bool(row.other and row.other not in known) for row in rows
        ),
    )


def _heirs(connection: duckdb.DuckDBPyConnection, decisions: str, records: str) -> dict[str, str]:
    """Return the records that continue vanished ones: a decision outlives the keys of a source."""
    if not has_table(connection, KNOWN_RECORDS):
        return {}
    return dict(
        connection.execute(
            f"""with named as (
                select record_id_1 as record_id from {decisions}
                union select record_id_2 from {decisions}
                union select other_record_id from {UNMERGED}
            )
            select gone.record_id, min(living.record_id)
            from {KNOWN_RECORDS} as gone
            inner join {KNOWN_RECORDS} as living using (origin_record_id)
            inner join {records} as records on records.record_id = living.record_id
            where gone.record_id in (select record_id from named)
                and gone.record_id not in (select record_id from {records})
            group by gone.record_id"""
        ).fetchall()
    )


def expand_unmerges(connection: duckdb.DuckDBPyConnection, *, decisions: str, members: str) -> int:
    """Remember whom each new unmerge parts its record from: the rest of its cluster now.

    ``members`` is a relation with record_id and cluster. An unmerge is expanded once, by the first
    ``members`` that hold its record; records that come later are not meant. Returns the unmerges expanded.
    """
    connection.execute(UNMERGED_DDL)
    ((expanded,),) = connection.execute(
        f"""create or replace temp table golden_unmerges as
        select distinct decisions.record_id_1 as record_id, decisions.decided_at, members.cluster
        from {decisions} as decisions
        inner join {members} as members on members.record_id = decisions.record_id_1
        where decisions.decision = '{UNMERGE}' and not exists (
            select 1 from {UNMERGED} as known where known.record_id = decisions.record_id_1
                and known.decided_at = decisions.decided_at)"""
    ).fetchall()
    if expanded:
        # a row without another record says that there was none
        connection.execute(
            f"""insert into {UNMERGED}
            select unmerges.record_id, unmerges.decided_at, members.record_id
            from golden_unmerges as unmerges
            left join {members} as members on members.cluster = unmerges.cluster
                and members.record_id <> unmerges.record_id"""
        )
    return int(expanded)


@contextmanager
def forgetting_unmerges(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Take back afterwards what is expanded meanwhile: a run that looks back sees too few records."""
    connection.execute(UNMERGED_DDL)
    connection.execute(f"create or replace temp table golden_unmerged_before as from {UNMERGED}")
    yield
    connection.execute(f"create or replace table {UNMERGED} as from golden_unmerged_before")


def decide(
    rows: Sequence[Decision], unmerged: Mapping[tuple[str, datetime], Sequence[str]]
) -> dict[Pair, Decision]:
    """Return the decision in force for each pair; ``rows`` in the order of their time.

    Raises
    ------
    ContradictoryDecisionsError
        When two rows say opposite things about a pair at the same time.
    """
    in_force: dict[Pair, Decision] = {}
    last: dict[Pair, Decision] = {}
    clashes: list[str] = []
    for row in rows:
        if row.kind == UNMERGE:
            others = list(unmerged.get((row.record, row.decided_at), ()))
            pairs = [
                _pair(row.record, each) for each in dict.fromkeys([row.other, *others]) if each
            ]
        elif row.other:
            pairs = [_pair(row.record, row.other)]
        else:
            pairs = [pair for pair in in_force if row.record in pair]
        for pair in pairs:
            before = last.get(pair)
            if (
                before is not None
                and before.decided_at == row.decided_at
                and _meaning(before) != _meaning(row)
            ):
                clashes.append(
                    f"{before.sentence} and {row.sentence} were decided at the same time"
                )
            last[pair] = row
            if row.kind == REVOKE:
                in_force.pop(pair, None)
            else:
                in_force[pair] = row
    _complain(clashes)
    return in_force


def has_personal_key(record: str) -> bool:
    """Whether a source names its record by an e-mail address or a telephone number."""
    key = record.partition(":")[2]
    return "@" in key or bool(TELEPHONE.fullmatch(key))


def _named(record: str) -> str:
    """Return a record's name for a message; a key that is an address or a number is left out."""
    return f"{record.partition(':')[0]}:…" if has_personal_key(record) else record


def _meaning(row: Decision) -> str:
    return NEVER if row.kind == UNMERGE else row.kind


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one < other else (other, one)


def _require_readable(rows: Iterable[Decision]) -> None:
    faults = []
    for row in rows:
        if row.kind not in KINDS:
            faults.append(f"{row.place}: the decision is none of {', '.join(KINDS)}")
        elif not row.record or (not row.other and row.kind in (ALWAYS, NEVER)):
            faults.append(f"{row.place}: {row.kind} wants the system and key of two records")
        elif row.record == row.other:
            faults.append(f"{row.place}: both records are the same")
    _complain(faults, "can't be read")


def _require_possible(in_force: Mapping[Pair, Decision]) -> None:
    """Refuse pairs that must stay apart but are tied together by a chain of always-matches."""
    neighbours: dict[str, list[str]] = defaultdict(list)
    for (one, other), by in sorted(in_force.items()):
        if by.kind == ALWAYS:
            neighbours[one].append(other)
            neighbours[other].append(one)
    faults = []
    for (one, other), by in sorted(in_force.items()):
        if by.kind == ALWAYS:
            continue
        path = _path(neighbours, one, other)
        if path:
            chain = ", ".join(in_force[_pair(*step)].sentence for step in pairwise(path))
            faults.append(f"{by.sentence} keeps apart what is tied together by {chain}")
    _complain(faults)


def _path(neighbours: Mapping[str, Sequence[str]], start: str, end: str) -> list[str]:
    """Return the shortest chain of always-matches between two records, empty when there is none."""
    came_from: dict[str, str] = {start: ""}
    waiting = deque([start] if start in neighbours else [])
    while waiting:
        record = waiting.popleft()
        if record == end:
            path = [record]
            while came_from[path[-1]]:
                path.append(came_from[path[-1]])
            return path[::-1]
        for neighbour in neighbours[record]:
            if neighbour not in came_from:
                came_from[neighbour] = record
                waiting.append(neighbour)
    return []


def _complain(faults: Sequence[str], what: str = "contradict each other") -> None:
    if faults:
        more = f"\n- and {len(faults) - MAX_NAMED} more" if len(faults) > MAX_NAMED else ""
        named = "".join(f"\n- {fault}" for fault in faults[:MAX_NAMED])
        raise ContradictoryDecisionsError(
            f"{len(faults)} steward decision(s) {what}. Correct the file or add a later row "
            f"(revoke takes a decision back):{named}{more}"
        )
