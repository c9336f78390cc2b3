"""Comparing again what changed since the last run, and nothing else.

Belongs here: finding which pairs that concerns. Does not: scoring them (`compare`).

All pairs of a record are concerned when it is new or changed, when a block that it is in became too large
or no longer is, or when a value that it holds became rarer by a step: pairs that were not worth keeping may
be now. A value that became commoner by a step concerns the kept pairs that share it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ml.identity.linking import blocks, features, terms
from ml.identity.linking.compare import household_keys, records_of, score
from ml.identity.linking.model import LinkingModel
from ml.identity.linking.tables import FEATURES, HOUSEHOLD_PAIRS, KEYS, LINKS, TERMS, LinkingRun

# Features that two records may share though the columns differ: the first of several telephones.
OF_LISTS = ("phone",)


def score_changes(run: LinkingRun, known: LinkingModel) -> tuple[int, int]:
    """Score again the pairs of what changed since the last run.

    Leaves `linkage_touched` (record_number of the records of such pairs, and of those that vanished) and
    `linkage_gone` (the features that changed or vanished, as they were).
    """
    connection = run.connection
    _find_changes(run, known)
    _find_steps(run, known)
    names = features.frequent_features(run.features)
    _find_records(run, known, names)
    _find_kept_pairs(run, known, names)
    ((changed,),) = connection.execute("select count(*) from linkage_changed").fetchall()
    connection.execute(
        """create or replace temp table linkage_touched as
        from linkage_changed union select record_number from linkage_gone
        union select left_number from linkage_repeated
        union select right_number from linkage_repeated"""
    )
    for table in (LINKS, HOUSEHOLD_PAIRS):
        connection.execute(
            f"""delete from {table} where left_number in (from linkage_changed)
            or right_number in (from linkage_changed)
            or left_number in (select record_number from linkage_gone)
            or right_number in (select record_number from linkage_gone)"""
        )
        connection.execute(
            f"""delete from {table} where (left_number, right_number) in (
                select (left_number, right_number) from linkage_repeated)"""
        )
    # who was compared only because a group wanted it is, where a group still wants it
    connection.execute("insert into linkage_candidates from linkage_repeated where key_mask <> 0")
    ((pairs,),) = connection.execute("select count(*) from linkage_candidates").fetchall()
    if pairs:
        score(run, known, records_of("linkage_candidates"))
        connection.execute(f"insert into {LINKS} by name from linkage_scored")
        connection.execute(f"insert into {HOUSEHOLD_PAIRS} by name from linkage_scored_households")
    return int(pairs), int(changed)


def _find_changes(run: LinkingRun, known: LinkingModel) -> None:
    """Bring features and keys up to date.

    Leaves `linkage_came` and `linkage_gone`, features now and then, and the same of keys.
    """
    connection = run.connection
    connection.execute(
        f"""create or replace temp table linkage_gone as
        select * from {FEATURES} where record_number in (
            select record_number from {FEATURES} anti join linkage_now using (record_number, raw_hash))"""
    )
    connection.execute(
        f"""create or replace temp table linkage_fresh as
        select record_number from linkage_now
        anti join {FEATURES} as f using (record_number, raw_hash)"""
    )
    fresh = (
        f"(from {run.records} where cast(hash(record_id) >> 1 as bigint) in (from linkage_fresh))"
    )
    connection.execute(
        "create or replace temp table linkage_came as " + features.features_sql(run.features, fresh)
    )
    connection.execute(
        f"""create or replace temp table linkage_gone_keys as
        select * from {KEYS} where record_number in (select record_number from linkage_gone)"""
    )
    connection.execute(
        "create or replace temp table linkage_came_keys as "
        + blocks.hashes_sql(known.keys, "linkage_came")
    )
    for table, came in ((FEATURES, "linkage_came"), (KEYS, "linkage_came_keys")):
        connection.execute(
            f"delete from {table} where record_number in (select record_number from linkage_gone)"
        )
        connection.execute(f"insert into {table} by name from {came}")


def _find_steps(run: LinkingRun, known: LinkingModel) -> None:
    """Bring the terms up to date; leave `linkage_stepped` (feature, term, step, is_rarer)."""
    connection = run.connection
    names = features.frequent_features(run.features)
    for name in names:
        connection.execute(
            f"""create or replace temp table touched_{name} as
            select {name} as term from linkage_came where {name} is not null
            union select {name} from linkage_gone where {name} is not null"""
        )
    connection.execute(
        "create or replace temp table linkage_steps as "
        + terms.terms_sql(
            run.features, FEATURES, known.mean_records, "{feature} in (from touched_{feature})"
        )
    )
    touched = " union all ".join(
        f"""select '{name}' as feature, term,
            {terms.unseen_step(known.mean_records[name])} as unseen from touched_{name}"""
        for name in names
    )
    connection.execute(
        f"""create or replace temp table linkage_stepped as
        with touched as ({touched or "select '' as feature, '' as term, 0 as unseen limit 0"})
        select touched.feature, touched.term, now.step,
            coalesce(now.step, unseen) < coalesce(before.step, unseen) as is_rarer
        from touched
        left join linkage_steps as now using (feature, term)
        left join {TERMS} as before using (feature, term)
        where now.step is distinct from before.step"""
    )
    connection.execute(
        f"delete from {TERMS} where (feature, term) in (select feature, term from linkage_stepped)"
    )
    connection.execute(
        f"insert into {TERMS} select feature, term, step from linkage_stepped where step is not null"
    )


def _holders(names: Sequence[str], is_rarer: bool) -> str:
    """Return a select of the records that hold a value whose step changed: feature, term, record_number."""
    condition = "is_rarer" if is_rarer else "not is_rarer"
    return " union all ".join(
        f"""select '{name}' as feature, {name} as term, record_number from {FEATURES}
        where {name} in (select term from linkage_stepped where feature = '{name}' and {condition})"""
        for name in names
    )


def _find_records(run: LinkingRun, known: LinkingModel, names: Sequence[str]) -> None:
    """Leave `linkage_changed` and `linkage_candidates`: the records of which all pairs are concerned."""
    connection = run.connection
    rarer = f"select distinct record_number from ({_holders(names, is_rarer=True)})"
    connection.execute(
        f"""create or replace temp table linkage_changed as
        select record_number from linkage_came {"union " + rarer if names else ""}"""
    )
    connection.execute(
        f"""create or replace temp table linkage_touching as
        select * from {KEYS} where record_number in (from linkage_changed)
        union all by name from linkage_gone_keys"""
    )
    blocks.find_blocks(connection, KEYS, known.keys, "linkage_touching")
    crossed = blocks.crossed_blocks(
        connection, known.keys, "linkage_came_keys", "linkage_gone_keys"
    )
    connection.execute(
        f"""create or replace temp table linkage_crossed as
        select distinct record_number from ({crossed})
        where record_number not in (from linkage_changed)"""
    )
    ((more,),) = connection.execute("select count(*) from linkage_crossed").fetchall()
    if more:
        connection.execute("insert into linkage_changed from linkage_crossed")
        connection.execute(
            f"""create or replace temp table linkage_touching as
            select * from {KEYS} where record_number in (from linkage_crossed)"""
        )
        blocks.find_blocks(connection, KEYS, known.keys, "linkage_touching", is_more=True)
    blocks.join_blocks(connection, known.keys, "linkage_candidates", "linkage_changed")


def _find_kept_pairs(run: LinkingRun, known: LinkingModel, names: Sequence[str]) -> None:
    """Leave `linkage_repeated`: kept pairs of other records that share a value that became commoner.

    A pair that is only kept as of a household was not worth keeping as of a person, and is no more so now:
    any household's key in its mask has its household's weight computed again.
    """
    connection = run.connection
    connection.execute(
        f"""create or replace temp table linkage_holders as
        select * from ({
            _holders(names, is_rarer=False)
            if names
            else "select '' as feature, '' as term, cast(0 as bigint) as record_number limit 0"
        })
        where record_number not in (from linkage_changed)"""
    )
    lists = ", ".join(f"'{name}'" for name in OF_LISTS)
    mask = household_keys(run, known)
    connection.execute(
        f"""create or replace temp table linkage_repeated as
        with kept as (
            select left_number, right_number, key_mask, 0 as household_mask from {LINKS}
            union all
            select left_number, right_number, 0, {mask} from {HOUSEHOLD_PAIRS}),
        sharing as (
            select kept.* from kept
            inner join linkage_holders as l on kept.left_number = l.record_number
            inner join linkage_holders as r on kept.right_number = r.record_number
                and l.feature = r.feature and l.term = r.term
            union all
            select * from kept where left_number in (
                    select record_number from linkage_holders where feature in ({lists}))
                or right_number in (
                    select record_number from linkage_holders where feature in ({lists})))
        select left_number, right_number, cast(
            coalesce(nullif(max(key_mask), 0), max(household_mask)) as bigint) as key_mask
        from sharing
        where left_number not in (from linkage_changed) and right_number not in (from linkage_changed)
            and left_number not in (select record_number from linkage_gone)
            and right_number not in (select record_number from linkage_gone)
        group by left_number, right_number"""
    )
