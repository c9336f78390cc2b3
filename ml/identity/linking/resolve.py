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

from ml.identity.linking.changes import score_changes
from ml.identity.linking.compare import score_all
from ml.identity.linking.comparisons import choose_comparisons
from ml.identity.linking.features import check_ids, describe_features
from ml.identity.linking.grouping import cluster, read_decisions
from ml.identity.linking.learning import stored_model, train
from ml.identity.linking.output import write_clusters
from ml.identity.linking.roles import RecordFields
from ml.identity.linking.tables import FEATURES, LINKS, LinkingOptions, LinkingRun, has_table
from ml.identity.linking.text import define_macros


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
    run.count = check_ids(connection, records) if _has_id(run) else 0
    run.features = describe_features(connection, records, fields)
    run.comparisons = choose_comparisons(run.features)
    known = stored_model(run)
    is_incremental = False
    if known is None:
        trained = train(run)
        scored, changed = score_all(run, trained, is_prepared=True)
    elif has_table(connection, FEATURES) and has_table(connection, LINKS):
        trained = known
        scored, changed = score_changes(run, known)
        is_incremental = True
    else:
        trained = known
        scored, changed = score_all(run, known, is_prepared=False)
    read_decisions(run)
    divided = cluster(run, trained, is_incremental)
    persons, households = write_clusters(run, is_incremental)
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


def _has_id(run: LinkingRun) -> bool:
    present = {row[0] for row in run.connection.execute(f"describe from {run.records}").fetchall()}
    return "record_id" in present
