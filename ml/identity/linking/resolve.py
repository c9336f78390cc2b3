"""Who is who: from records to persons and households, anew or for what changed since the last run.

Belongs here: the order of the steps, and what is kept between runs. Does not: how a step is done.

A run with a stored model scores and groups as the run that trained it did. Only pairs of records that are
new, changed, or whose values became commoner or rarer are scored again; the result is that of resolving
everything with that model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb

from ml.identity.linking.agreement import keep_agreement
from ml.identity.linking.changes import score_changes
from ml.identity.linking.compare import score_all
from ml.identity.linking.comparisons import choose_comparisons
from ml.identity.linking.features import describe_features, number_records
from ml.identity.linking.grouping import cluster_all, cluster_changes, read_decisions
from ml.identity.linking.learning import stored_model, train
from ml.identity.linking.model import LinkingModel
from ml.identity.linking.output import write_clusters
from ml.identity.linking.roles import RecordFields
from ml.identity.linking.tables import (
    CLUSTERS,
    FEATURES,
    HOUSEHOLD_PAIRS,
    KEYS,
    LINKS,
    OPTIONS,
    PARTS,
    TERMS,
    LinkingOptions,
    LinkingRun,
)
from ml.identity.linking.text import define_macros
from ml.identity.relations import has_table


@dataclass(frozen=True)
class LinkingReport:
    """What a run did.

    Attributes
    ----------
    records, persons, households : int
        How many.
    scored_pairs : int
        Candidate pairs that were scored in this run.
    changed_records : int
        Records whose pairs were scored anew.
    divided_groups : int
        Connected groups that were divided because pairs in them speak against it.
    model_id : str
        Of the model used.
    is_trained : bool
        Whether it was trained in this run.
    """

    records: int
    persons: int
    households: int
    scored_pairs: int
    changed_records: int
    divided_groups: int
    model_id: str
    is_trained: bool


def resolve(
    connection: duckdb.DuckDBPyConnection,
    records: str,
    fields: RecordFields | Mapping[str, str | Sequence[str]],
    *,
    options: LinkingOptions | None = None,
    seed: int = 1,
) -> LinkingReport:
    """Find out which records are one person and which persons one household.

    Parameters
    ----------
    records : str
        Relation with `record_id`, of any type, and the columns of fields.
    fields : RecordFields or mapping
        Role to column(s); see `roles.ROLES`.
    seed : int
        Of the random pairs.

    Notes
    -----
    Writes, in schema identity: `linkage_pairs` (compared pairs with their weights and levels),
    `record_clusters` (record_id, person_cluster, household_cluster: the smallest record_id of each), and
    what the next run needs (`linkage_features`, `linkage_terms`, `linking_models`). Reads
    `identity.pair_decisions` (record_id_l, record_id_r, decision) when it is there.

    Raises
    ------
    LinkingError
        When a column is missing, or a record_id occurs twice.
    """
    if not isinstance(fields, RecordFields):
        fields = RecordFields.of(fields)
    run = LinkingRun(connection, records, fields, options or LinkingOptions(), seed)
    connection.execute("create schema if not exists identity")
    define_macros(connection)
    run.features = describe_features(connection, records, fields)
    run.count = number_records(connection, records, run.features)
    run.comparisons = choose_comparisons(run.features)
    known = stored_model(run)
    is_incremental = False
    if known is None:
        trained = train(run)
        scored, changed = score_all(run, trained, is_prepared=True)
        keep_agreement(connection, run.comparisons)
    elif _is_continued(run, known):
        trained = known
        scored, changed = score_changes(run, known)
        is_incremental = True
    else:
        trained = known
        scored, changed = score_all(run, known, is_prepared=False)
    read_decisions(run)
    divided = cluster_changes(run, trained) if is_incremental else cluster_all(run, trained)
    persons, households = write_clusters(run, is_incremental)
    connection.execute(
        f"create or replace table {OPTIONS} as select ? as options", [_made_with(run, trained)]
    )
    return LinkingReport(
        records=run.count,
        persons=persons,
        households=households,
        scored_pairs=scored,
        changed_records=changed,
        divided_groups=divided,
        model_id=trained.model_id,
        is_trained=known is None,
    )


def _made_with(run: LinkingRun, trained: LinkingModel) -> str:
    """Return the model and the options that pairs and groups depend on, as text."""
    options = run.options
    return f"{trained.model_id} {options.least_match_weight!r} {sorted(options.veto_fields)}"


def _is_continued(run: LinkingRun, known: LinkingModel) -> bool:
    """Whether the last run left its pairs and groups, made with the model and options of this one."""
    tables = (FEATURES, KEYS, TERMS, LINKS, HOUSEHOLD_PAIRS, PARTS, CLUSTERS, OPTIONS)
    if not all(has_table(run.connection, name) for name in tables):
        return False
    ((options,),) = run.connection.execute(f"select options from {OPTIONS}").fetchall()
    return bool(options == _made_with(run, known))
