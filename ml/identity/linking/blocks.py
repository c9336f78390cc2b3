"""The blocks of records that share a key, and the pairs within them.

Belongs here: the kept keys of each record, and joining blocks, of all records or of those that a change
touches. Does not: choosing keys (`blocking`).
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ml.identity.linking.blocking import ChosenKey, hash_select, key_select

# The blocks of so many records are joined at a time: those of all keys at once would fill the memory.
MOST_JOINED = 12_000_000


def key_table(number: int) -> str:
    """Return the name of the temporary table with the blocks of a key."""
    return f"linkage_key_{number}"


def hashes_sql(keys: Sequence[ChosenKey], features: str) -> str:
    """Return a select of record_number and `key_<number>`, the hash of each key or a list of them."""
    hashed = "".join(
        f", {chosen.key.hash_sql} as key_{number}" for number, chosen in enumerate(keys)
    )
    return f"select record_number {hashed} from {features}"


def _kept_select(keys: Sequence[ChosenKey], number: int, hashes: str) -> str:
    """Return a select of record_number and key_hash out of what `hashes_sql` gave."""
    return hash_select(keys[number].key, f"key_{number}", hashes)


def write_pairs(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    keys: Sequence[ChosenKey],
    target: str,
    *,
    is_hashed: bool = False,
) -> int:
    """Write the candidate pairs of all keys and return how many there are.

    Parameters
    ----------
    table : str
        The features, or what `hashes_sql` gave when is_hashed.

    Notes
    -----
    Columns of the target: left_number < right_number, key_mask (bit i is set where key i found it).
    """
    for number, chosen in enumerate(keys):
        select = _kept_select(keys, number, table) if is_hashed else key_select(chosen.key, table)
        connection.execute(f"create or replace temp table {key_table(number)} as {select}")
    return join_blocks(connection, keys, target)


def join_blocks(
    connection: duckdb.DuckDBPyConnection,
    keys: Sequence[ChosenKey],
    target: str,
    wanted: str | None = None,
) -> int:
    """Write the pairs within the blocks in the `key_table` of each key, and drop these.

    Parameters
    ----------
    wanted : str or None
        Relation with the record_number of the records that pairs are wanted of; None for all.
    """
    connection.execute(
        f"create or replace temp table {target} "
        "(left_number bigint, right_number bigint, key_mask bigint)"
    )
    selects: list[str] = []
    waiting, parts = 0, 0

    def insert() -> None:
        nonlocal waiting, parts
        if selects:
            connection.execute(
                f"""insert into {target} select left_number, right_number, bit_or(bit)
                from ({" union all ".join(selects)}) group by left_number, right_number"""
            )
        selects.clear()
        waiting, parts = 0, parts + 1

    for number, chosen in enumerate(keys):
        # counting first is cheaper than a window over all
        ((rows,),) = connection.execute(
            f"""create or replace temp table {key_table(number)} as
            select * from {key_table(number)} semi join (
                select key_hash from {key_table(number)} group by key_hash
                having count(*) between 2 and {chosen.largest_block}) using (key_hash)"""
        ).fetchall()
        first = f"from {key_table(number)}"
        # each pair once: the wanted record stands first, of two wanted ones the smaller
        order = "a.record_number < b.record_number"
        if wanted is not None:
            first += f" where record_number in (select record_number from {wanted})"
            order = (
                "a.record_number <> b.record_number and (a.record_number < b.record_number "
                f"or b.record_number not in (select record_number from {wanted}))"
            )
        if selects and waiting + rows > MOST_JOINED:
            insert()
        waiting += rows
        selects.append(
            f"""select least(a.record_number, b.record_number) as left_number,
                greatest(a.record_number, b.record_number) as right_number,
                cast(1 as bigint) << {number} as bit
            from ({first}) as a inner join {key_table(number)} as b
                on a.key_hash = b.key_hash where {order}"""
        )
    insert()
    if parts > 1:
        connection.execute(
            f"""create or replace temp table {target} as
            select left_number, right_number, cast(bit_or(key_mask) as bigint) as key_mask
            from {target} group by left_number, right_number"""
        )
    for number in range(len(keys)):
        connection.execute(f"drop table {key_table(number)}")
    ((pairs,),) = connection.execute(f"select count(*) from {target}").fetchall()
    return int(pairs)


def find_blocks(
    connection: duckdb.DuckDBPyConnection,
    hashes: str,
    keys: Sequence[ChosenKey],
    touching: str,
    is_more: bool = False,
) -> None:
    """Leave in the `key_table` of each key the blocks, whatever their size, that some records are in.

    Parameters
    ----------
    hashes : str
        What `hashes_sql` gave of all records.
    touching : str
        The same of the records whose blocks are wanted; some of them may not be there any more.
    is_more : bool
        Whether to add to the blocks that are there.
    """
    for number in range(len(keys)):
        target = key_table(number)
        known = f" where key_hash not in (select key_hash from {target})" if is_more else ""
        connection.execute(
            f"""{"insert into" if is_more else "create or replace temp table"} {target}
            {"" if is_more else "as"} with touched as (
                select distinct key_hash from ({_kept_select(keys, number, touching)}){known})
            select record_number, key_hash from ({_kept_select(keys, number, hashes)})
            where key_hash in (from touched)"""
        )


def crossed_blocks(
    connection: duckdb.DuckDBPyConnection, keys: Sequence[ChosenKey], came: str, gone: str
) -> str:
    """Return a select of the record_number of records whose blocks became too large, or no longer are.

    Parameters
    ----------
    came : str
        What `hashes_sql` gives of the records that are new or changed.
    gone : str
        The same, as it was, of the records that changed or vanished; `find_blocks` has found the blocks of
        both.
    """
    selects = []
    for number, chosen in enumerate(keys):
        limit = chosen.largest_block
        selects.append(
            f"""select record_number from {key_table(number)} where key_hash in (
                select key_hash from (
                    select key_hash, 1 as now, 0 as change from {key_table(number)}
                    union all select key_hash, 0, -1 from ({_kept_select(keys, number, came)})
                    union all select key_hash, 0, 1 from ({_kept_select(keys, number, gone)}))
                group by key_hash having (sum(now) > {limit}) <> (sum(now) + sum(change) > {limit}))"""
        )
    return " union ".join(selects) or "select cast(null as bigint) as record_number where false"
