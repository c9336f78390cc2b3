"""Comparing pairs of records and storing what they say.

Belongs here: which pairs are scored into which table. Does not: how (`scoring`).
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ml.identity.linking import blocks, features, scoring, terms
from ml.identity.linking.comparisons import FieldComparison
from ml.identity.linking.model import LinkingModel
from ml.identity.linking.tables import (
    FEATURES,
    HOUSEHOLD_PAIRS,
    KEYS,
    LEAST_KEPT_WEIGHT,
    LINKS,
    TERMS,
    LinkingRun,
)


def score_all(run: LinkingRun, trained: LinkingModel, is_prepared: bool) -> tuple[int, int]:
    """Compare all candidate pairs; return how many they are, and of how many records.

    With is_prepared, features and candidates are there from training.
    """
    connection = run.connection
    if not is_prepared:
        features.build_features(connection, run.records, run.features, FEATURES)
    connection.execute(
        f"create or replace table {KEYS} as {blocks.hashes_sql(trained.keys, FEATURES)}"
    )
    if not is_prepared:
        blocks.write_pairs(connection, KEYS, trained.keys, "linkage_candidates", is_hashed=True)
    connection.execute(
        f"create or replace table {TERMS} as "
        + terms.terms_sql(run.features, FEATURES, trained.mean_records)
    )
    pairs = score(run, trained)
    connection.execute(f"create or replace table {LINKS} as from linkage_scored")
    connection.execute(
        f"create or replace table {HOUSEHOLD_PAIRS} as from linkage_scored_households"
    )
    return pairs, run.count


def score(run: LinkingRun, trained: LinkingModel, where: str | None = None) -> int:
    """Score linkage_candidates into linkage_scored."""
    connection = run.connection
    write_scored_features(connection, run.comparisons, trained, where)
    scoring.score_pairs(
        connection,
        "linkage_scored_features",
        run.comparisons,
        trained.parameters,
        "linkage_candidates",
        "linkage_scored_pairs",
        LEAST_KEPT_WEIGHT,
        run.options.is_scored_by_splink,
    )
    if _has_households(run):
        scoring.score_households(
            connection,
            "linkage_scored_features",
            run.comparisons,
            trained.parameters,
            f"(from linkage_candidates where key_mask & {household_keys(run, trained)} <> 0)",
            "linkage_scored_households",
        )
    else:
        connection.execute(
            "create or replace temp table linkage_scored_households "
            "(left_number bigint, right_number bigint, household_weight double)"
        )
    connection.execute(
        f"""create or replace temp table linkage_scored as
        select s.*, c.key_mask, {_vetoes_sql(run)} as is_vetoed
        from linkage_scored_pairs as s inner join linkage_candidates as c using (left_number, right_number)"""
    )
    ((pairs,),) = connection.execute("select count(*) from linkage_candidates").fetchall()
    return int(pairs)


def records_of(pairs: str) -> str:
    """Return the condition that a record is in one of the pairs."""
    return (
        f"record_number in (select left_number from {pairs} "
        f"union all select right_number from {pairs})"
    )


def household_keys(run: LinkingRun, trained: LinkingModel) -> int:
    """Return the mask of the keys that bring the people of a household together."""
    shared = {item.name for item in run.comparisons if item.is_of_household}
    return sum(
        1 << number for number, chosen in enumerate(trained.keys) if chosen.key.fields <= shared
    )


def write_scored_features(
    connection: duckdb.DuckDBPyConnection,
    comparisons: Sequence[FieldComparison],
    trained: LinkingModel,
    where: str | None,
) -> None:
    """Write linkage_scored_features: the features of the records where, with how common their values are."""
    terms.write_scored_features(
        connection,
        FEATURES,
        TERMS,
        trained.mean_records,
        scoring.frequency_scales(comparisons, trained.parameters),
        "linkage_scored_features",
        where,
        scoring.read_features(comparisons),
    )


def _vetoes_sql(run: LinkingRun) -> str:
    return (
        " or ".join(
            f"level_{item.name} = {len(item.levels) - 1}"
            for item in run.comparisons
            if item.name in run.options.veto_fields
        )
        or "false"
    )


def compare_within(run: LinkingRun, trained: LinkingModel) -> None:
    """Score the pairs of unclear parts that no key found: they may speak against the part."""
    connection = run.connection
    connection.execute(
        f"""create or replace temp table linkage_missing as
        select a.record_number as left_number, b.record_number as right_number
        from linkage_unclear as a inner join linkage_unclear as b
            on a.part = b.part and a.record_number < b.record_number
        anti join {LINKS} as l
            on l.left_number = a.record_number and l.right_number = b.record_number"""
    )
    ((missing,),) = connection.execute("select count(*) from linkage_missing").fetchall()
    if not missing:
        return
    write_scored_features(connection, run.comparisons, trained, records_of("linkage_missing"))
    scoring.score_pairs(
        connection,
        "linkage_scored_features",
        run.comparisons,
        trained.parameters,
        "linkage_missing",
        "linkage_scored_pairs",
        None,
    )
    connection.execute(
        f"""insert into {LINKS} by name
        select *, 0 as key_mask, {_vetoes_sql(run)} as is_vetoed from linkage_scored_pairs"""
    )


def score_one_pair(
    connection: duckdb.DuckDBPyConnection,
    comparisons: Sequence[FieldComparison],
    trained: LinkingModel,
    left: int,
    right: int,
) -> None:
    """Score the pair of these record numbers, left < right, into the temporary linkage_scored_pairs."""
    connection.execute(
        f"""create or replace temp table linkage_missing as
        select cast({left} as bigint) as left_number, cast({right} as bigint) as right_number"""
    )
    write_scored_features(
        connection,
        comparisons,
        trained,
        f"record_number in ({left}, {right})",
    )
    scoring.score_pairs(
        connection,
        "linkage_scored_features",
        comparisons,
        trained.parameters,
        "linkage_missing",
        "linkage_scored_pairs",
        None,
    )


def _has_households(run: LinkingRun) -> bool:
    return run.features.has("street") or run.features.has("phones")
