"""Comparing again what changed since the last run, and nothing else.

Belongs here: finding which pairs that concerns. Does not: scoring them (`compare`).

The pairs of a record are concerned when it is new or changed, when a block that it is in became too large
or no longer is, or when a value that it holds became commoner or rarer by a step.
"""

from __future__ import annotations

from ml.identity.linking import blocking, features
from ml.identity.linking.compare import score
from ml.identity.linking.model import LinkingModel
from ml.identity.linking.tables import FEATURES, HOUSEHOLD_PAIRS, LINKS, TERMS, LinkingRun
from ml.identity.linking.text import quoted


def score_changes(run: LinkingRun, known: LinkingModel) -> tuple[int, int]:
    """Score again the pairs of what changed since the last run."""
    connection = run.connection
    _find_changes(run, known)
    ((changed,),) = connection.execute("select count(*) from linkage_changed").fetchall()
    for table in (LINKS, HOUSEHOLD_PAIRS):
        connection.execute(
            f"""delete from {table} where left_number in (from linkage_touched)
            or right_number in (from linkage_touched)"""
        )
    if not changed:
        return 0, 0
    blocking.write_pairs(
        connection, FEATURES, known.keys, "linkage_candidates", changed="linkage_changed"
    )
    pairs = score(
        run,
        known,
        """record_number in (select left_number from linkage_candidates
            union all select right_number from linkage_candidates)""",
    )
    connection.execute(f"insert into {LINKS} by name from linkage_scored")
    connection.execute(f"insert into {HOUSEHOLD_PAIRS} by name from linkage_scored_households")
    return pairs, int(changed)


def _find_changes(run: LinkingRun, known: LinkingModel) -> None:
    """Bring features and terms up to date.

    Leaves `linkage_changed` (record_number of the records whose pairs are to be scored) and
    `linkage_touched` (those, and the records that vanished).
    """
    connection = run.connection
    read = ", ".join(quoted(name) for name in run.features.columns)
    connection.execute(
        f"""create or replace temp table linkage_now as
        select cast(hash(record_id) >> 1 as bigint) as record_number, hash({read}) as raw_hash
        from {run.records}"""
    )
    connection.execute(
        f"""create or replace temp table linkage_gone as
        select f.* from {FEATURES} as f anti join linkage_now using (record_number, raw_hash)"""
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
        f"delete from {FEATURES} where record_number in (select record_number from linkage_gone)"
    )
    connection.execute(f"insert into {FEATURES} by name from linkage_came")
    connection.execute(
        """create or replace temp table linkage_changed as
        select record_number from linkage_came"""
    )
    for select in (
        _changed_terms(run, known),
        blocking.crossed_blocks(connection, FEATURES, known.keys, "linkage_came", "linkage_gone"),
    ):
        connection.execute(
            f"""insert into linkage_changed
            select distinct record_number from ({select})
            where record_number not in (from linkage_changed)"""
        )
    connection.execute(
        """create or replace temp table linkage_touched as
        from linkage_changed union select record_number from linkage_gone"""
    )


def _changed_terms(run: LinkingRun, known: LinkingModel) -> str:
    """Bring the terms up to date; return a select of the records that hold one whose step changed."""
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
        + features.terms_sql(
            run.features, FEATURES, known.mean_records, "{feature} in (from touched_{feature})"
        )
    )
    touched = " union all ".join(
        f"select '{name}' as feature, term from touched_{name}" for name in names
    )
    connection.execute(
        f"""create or replace temp table linkage_stepped as
        with touched as ({touched})
        select touched.feature, touched.term, now.step
        from touched
        left join linkage_steps as now using (feature, term)
        left join {TERMS} as before using (feature, term)
        where now.step is distinct from before.step"""
    )
    connection.execute(
        f"delete from {TERMS} where (feature, term) in (select feature, term from linkage_stepped)"
    )
    connection.execute(f"insert into {TERMS} select * from linkage_stepped where step is not null")
    return " union ".join(
        f"""select record_number from {FEATURES}
        where {name} in (select term from linkage_stepped where feature = '{name}')"""
        for name in names
    )
