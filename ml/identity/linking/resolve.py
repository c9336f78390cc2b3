"""Who is who: from records to persons and households, anew or for what changed since the last run.

Belongs here: the order of the steps, and what is kept between runs. Does not: how a step is done.

A run with a stored model scores and groups as the run that trained it did. Only pairs of records that are
new, changed, or whose values became commoner or rarer are scored again; the result is that of resolving
everything with that model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import numpy as np
from numpy.typing import NDArray

from ml.identity.linking import blocking, clustering, features, model, patterns, scoring, training
from ml.identity.linking.comparisons import FieldComparison, choose_comparisons
from ml.identity.linking.evidence import reason_sql
from ml.identity.linking.features import FeatureSet, describe_features
from ml.identity.linking.full_names import GIVEN_WORDS, count_given_words
from ml.identity.linking.model import LinkingModel
from ml.identity.linking.roles import RecordFields
from ml.identity.linking.text import define_macros, quoted

FEATURES = "identity.linkage_features"
TERMS = "identity.linkage_terms"
LINKS = "identity.linkage_pairs"
PARTS = "identity.linkage_parts"
DECIDED = "identity.linkage_decided"
HOUSEHOLD_PAIRS = "identity.linkage_household_pairs"
MODELS = "identity.linking_models"
CLUSTERS = "identity.record_clusters"
DECISIONS = "identity.pair_decisions"
# Pairs below this say no more than a pair that was never compared.
LEAST_KEPT_WEIGHT = -10.0


@dataclass(frozen=True)
class LinkingOptions:
    """What may be set.

    Attributes
    ----------
    least_match_weight : float
        Log2 odds above which a pair is taken for one person; 0 is even odds.
    veto_fields : tuple of str
        Comparisons whose last level (another valid national id) no evidence overcomes.
    is_retraining : bool
        Whether to train anew though there is a model.
    most_growth : float
        Train anew when there are this many times more, or fewer, records than at the last training.
    """

    least_match_weight: float = 0.0
    veto_fields: tuple[str, ...] = ()
    is_retraining: bool = False
    most_growth: float = 1.5


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


@dataclass
class _Run:
    connection: duckdb.DuckDBPyConnection
    records: str
    fields: RecordFields
    options: LinkingOptions
    seed: int
    count: int = 0
    features: FeatureSet = field(default_factory=FeatureSet)
    comparisons: list[FieldComparison] = field(default_factory=list)


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
    run = _Run(connection, records, fields, options or LinkingOptions(), seed)
    connection.execute("create schema if not exists identity")
    define_macros(connection)
    run.count = features.check_ids(connection, records) if _has_id(run) else 0
    run.features = describe_features(connection, records, fields)
    run.comparisons = choose_comparisons(run.features)
    known = _stored_model(run)
    is_incremental = False
    if known is None:
        trained = _train(run)
        scored, changed = _score_all(run, trained, is_prepared=True)
    elif _has_table(connection, FEATURES) and _has_table(connection, LINKS):
        trained = known
        scored, changed = _score_changes(run, known)
        is_incremental = True
    else:
        trained = known
        scored, changed = _score_all(run, known, is_prepared=False)
    _read_decisions(run)
    divided = _cluster(run, trained, is_incremental)
    persons, households = _write_clusters(run, is_incremental)
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


def _has_id(run: _Run) -> bool:
    present = {row[0] for row in run.connection.execute(f"describe from {run.records}").fetchall()}
    return "record_id" in present


def _has_table(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    schema, table = name.split(".")
    return bool(
        connection.execute(
            "select count(*) from duckdb_tables() where schema_name = ? and table_name = ? "
            "and database_name = current_database()",
            [schema, table],
        ).fetchall()[0][0]
    )


def _has_relation(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    schema, table = name.split(".")
    return bool(
        connection.execute(
            "select count(*) from information_schema.tables where table_schema = ? "
            "and table_name = ? and table_catalog = current_database()",
            [schema, table],
        ).fetchall()[0][0]
    )


def _stored_model(run: _Run) -> LinkingModel | None:
    """Return the stored model when it is of these features and of about as many records."""
    run.connection.execute(
        f"""create table if not exists {MODELS} (
            model_id varchar, model varchar, records bigint, is_current boolean)"""
    )
    if run.options.is_retraining:
        return None
    stored = run.connection.execute(f"select model from {MODELS} where is_current").fetchall()
    if not stored:
        return None
    if run.features.whole_names is not None and not _has_table(run.connection, GIVEN_WORDS):
        return None
    known = model.read_model(stored[0][0], run.features)
    if known is None:
        return None
    growth = max(run.count, 1) / max(known.records, 1)
    if not 1 / run.options.most_growth <= growth <= run.options.most_growth:
        return None
    return known


def _train(run: _Run) -> LinkingModel:
    """Train a model on all records and store it; leaves features, terms and pairs as they are for it."""
    connection = run.connection
    if run.features.whole_names is not None:
        count_given_words(connection, run.records, run.fields)
    features.build_features(connection, run.records, run.features, FEATURES)
    means = features.mean_term_records(connection, FEATURES, run.features)
    keys = blocking.choose_keys(connection, FEATURES, run.features, run.count)
    pairs = blocking.write_pairs(connection, FEATURES, keys, "linkage_candidates")
    candidates, scale = patterns.candidate_patterns(
        connection, FEATURES, run.comparisons, "linkage_candidates", pairs
    )
    chance = patterns.chance_patterns(connection, FEATURES, run.comparisons, run.seed)
    parameters = training.estimate(
        run.comparisons,
        model.key_fields(keys),
        candidates,
        scale,
        chance,
        max(run.count * (run.count - 1) / 2, 1.0),
        patterns.exact_agreement(connection, FEATURES, run.comparisons),
    )
    shared = {item.name for item in run.comparisons if item.is_of_household}
    of_household = [n for n, chosen in enumerate(keys) if chosen.key.fields <= shared]
    kept = sorted(
        {
            *training.fewest_keys(parameters, run.comparisons, candidates, range(len(keys))),
            *training.fewest_keys(parameters, run.comparisons, candidates, of_household, kind=1),
        }
    )
    _keep_keys(connection, kept)
    trained = LinkingModel(
        fingerprint=model.fingerprint(run.features),
        parameters=parameters,
        keys=tuple(keys[number] for number in kept),
        mean_records=means,
        records=run.count,
    )
    connection.execute(f"update {MODELS} set is_current = false")
    connection.execute(f"delete from {MODELS} where model_id = ?", [trained.model_id])
    connection.execute(
        f"insert into {MODELS} values (?, ?, ?, true)",
        [trained.model_id, trained.to_json(), run.count],
    )
    return trained


def _keep_keys(connection: duckdb.DuckDBPyConnection, kept: Sequence[int]) -> None:
    """Leave only the candidates that these keys found, their masks as if there were no other keys."""
    mask = " | ".join(f"((key_mask >> {old} & 1) << {new})" for new, old in enumerate(kept)) or "0"
    connection.execute(
        f"""create or replace temp table linkage_candidates as
        select * from (select left_number, right_number, {mask} as key_mask from linkage_candidates)
        where key_mask <> 0"""
    )


def _score_all(run: _Run, trained: LinkingModel, is_prepared: bool) -> tuple[int, int]:
    connection = run.connection
    if not is_prepared:
        features.build_features(connection, run.records, run.features, FEATURES)
        blocking.write_pairs(connection, FEATURES, trained.keys, "linkage_candidates")
    connection.execute(
        f"create or replace table {TERMS} as "
        + features.terms_sql(run.features, FEATURES, trained.mean_records)
    )
    pairs = _score(run, trained)
    connection.execute(f"create or replace table {LINKS} as from linkage_scored")
    connection.execute(
        f"create or replace table {HOUSEHOLD_PAIRS} as from linkage_scored_households"
    )
    return pairs, run.count


def _write_scored_features(
    connection: duckdb.DuckDBPyConnection,
    comparisons: Sequence[FieldComparison],
    trained: LinkingModel,
    where: str,
) -> None:
    features.write_scored_features(
        connection,
        FEATURES,
        TERMS,
        trained.mean_records,
        scoring.frequency_scales(comparisons, trained.parameters),
        "linkage_scored_features",
        where,
    )


def _vetoes_sql(run: _Run) -> str:
    return (
        " or ".join(
            f"level_{item.name} = {len(item.levels) - 1}"
            for item in run.comparisons
            if item.name in run.options.veto_fields
        )
        or "false"
    )


def _score(run: _Run, trained: LinkingModel, where: str = "true") -> int:
    """Score linkage_candidates into linkage_scored."""
    connection = run.connection
    _write_scored_features(connection, run.comparisons, trained, where)
    scoring.score_pairs(
        connection,
        "linkage_scored_features",
        run.comparisons,
        trained.parameters,
        "linkage_candidates",
        "linkage_scored_pairs",
        LEAST_KEPT_WEIGHT,
    )
    household_keys = sum(
        1 << number
        for number, chosen in enumerate(trained.keys)
        if chosen.key.fields <= {item.name for item in run.comparisons if item.is_of_household}
    )
    if _has_households(run):
        scoring.score_households(
            connection,
            "linkage_scored_features",
            run.comparisons,
            trained.parameters,
            f"(from linkage_candidates where key_mask & {household_keys} <> 0)",
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


def _cluster(run: _Run, trained: LinkingModel, is_incremental: bool) -> int:
    """Write linkage_parts: the person and household of each record; return how many groups were divided.

    With is_incremental, connected parts that nothing changed in keep their groups.
    """
    connection = run.connection
    numbers = clustering.read_numbers(connection, f"select record_number from {FEATURES}")
    before = _groups_before(run, numbers) if is_incremental else None
    persons, person_parts, divided = _cluster_persons(run, trained, numbers, before)
    households, household_parts = _cluster_households(run, numbers, persons, before)
    connection.register(
        "grouped",
        {
            "record_number": numbers,
            "person_part": person_parts,
            "person_number": persons,
            "household_part": household_parts,
            "household_number": households,
        },
    )
    if before is not None:
        connection.execute(f"create or replace temp table linkage_parts_before as from {PARTS}")
    else:
        connection.execute("drop table if exists linkage_parts_before")
    connection.execute(f"create or replace table {PARTS} as from grouped")
    connection.unregister("grouped")
    return divided


@dataclass(frozen=True)
class _GroupsBefore:
    """The groups of the last run, by record in the order of numbers; -1 for records that it did not have.

    `is_affected` is where a part of the last run held a record that changed or vanished since.
    """

    persons: clustering.Numbers
    households: clustering.Numbers
    is_affected: NDArray[np.bool_]


def _groups_before(run: _Run, numbers: clustering.Numbers) -> _GroupsBefore | None:
    connection = run.connection
    if not _has_table(connection, PARTS):
        return None
    found = connection.execute(
        f"""with touched as (
            select record_number from linkage_touched
            union select record_number from linkage_redecided),
        -- whoever shared a person's or a household's part with what changed may be grouped otherwise now
        parts as (
            select p.person_part, p.household_part from {PARTS} as p
            where record_number in (from touched))
        select f.record_number, coalesce(p.person_number, -1) as person_number,
            coalesce(p.household_number, -1) as household_number,
            p.record_number is null or f.record_number in (from touched)
                or p.person_part in (select person_part from parts)
                or p.household_part in (select household_part from parts) as is_affected
        from {FEATURES} as f left join {PARTS} as p on f.record_number = p.record_number
        order by f.record_number"""
    ).fetchnumpy()
    return _GroupsBefore(
        np.asarray(found["person_number"], dtype=np.int64),
        np.asarray(found["household_number"], dtype=np.int64),
        np.asarray(found["is_affected"], dtype=np.bool_),
    )


def _kept(
    part: clustering.Numbers, is_unclear: NDArray[np.bool_], is_affected: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return which records are of unclear parts without an affected record."""
    has_affected = np.zeros(int(part.max()) + 1 if len(part) else 0, dtype=bool)
    has_affected[part[is_affected]] = True
    return is_unclear & ~has_affected[part]


def _cluster_persons(
    run: _Run, trained: LinkingModel, numbers: clustering.Numbers, before: _GroupsBefore | None
) -> tuple[clustering.Numbers, clustering.Numbers, int]:
    """Return the person and the part of each record, and how many groups were divided."""
    connection = run.connection
    least_weight = run.options.least_match_weight
    links = clustering.read_links(connection, LINKS, "linkage_decisions", least_weight)
    part, is_unclear, _ = clustering.parts_of(numbers, links, clustering.LARGEST_PART)
    is_kept = np.zeros(len(numbers), dtype=bool)
    if before is not None:
        is_kept = _kept(part, is_unclear, before.is_affected)
    is_unclear &= ~is_kept
    connection.register(
        "unclear_records", {"record_number": numbers[is_unclear], "part": part[is_unclear]}
    )
    connection.execute("create or replace temp table linkage_unclear as from unclear_records")
    connection.unregister("unclear_records")
    _compare_within(run, trained)
    evidence, priors = clustering.read_evidence(
        connection,
        LINKS,
        "linkage_decisions",
        "linkage_unclear",
        run.comparisons,
        trained.parameters,
    )
    grouping = clustering.divide_parts(numbers, part, is_unclear, evidence, priors, least_weight)
    if before is not None:
        grouping = clustering.keep_groups(grouping, is_kept, before.persons)
    return (
        clustering.smallest_of_groups(grouping),
        clustering.named_parts(numbers, part),
        grouping.divided,
    )


def _cluster_households(
    run: _Run,
    numbers: clustering.Numbers,
    persons: clustering.Numbers,
    before: _GroupsBefore | None,
) -> tuple[clustering.Numbers, clustering.Numbers]:
    """Return the household and its part of each record."""
    connection = run.connection
    connection.register("grouped", {"record_number": numbers, "person_number": persons})
    connection.execute("create or replace temp table linkage_persons as from grouped")
    connection.unregister("grouped")
    heads, person_of = np.unique(persons, return_inverse=True)
    links = clustering.read_household_links(connection, "linkage_persons", HOUSEHOLD_PAIRS)
    part, is_unclear, _ = clustering.parts_of(heads, links, clustering.LARGEST_PART)
    is_kept = np.zeros(len(heads), dtype=bool)
    known = np.full(len(heads), -1)
    if before is not None:
        is_affected = np.zeros(len(heads), dtype=bool)
        is_affected[person_of[before.is_affected]] = True
        known[person_of] = before.households
        is_kept = _kept(part, is_unclear, is_affected)
    grouping = clustering.divide_households(heads, part, is_unclear & ~is_kept, links)
    if before is not None:
        grouping = clustering.keep_groups(grouping, is_kept, known)
    return (
        clustering.smallest_of_groups(grouping)[person_of],
        clustering.named_parts(heads, part)[person_of],
    )


def _compare_within(run: _Run, trained: LinkingModel) -> None:
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
    _write_scored_features(
        connection,
        run.comparisons,
        trained,
        """record_number in (select left_number from linkage_missing
            union all select right_number from linkage_missing)""",
    )
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
    _write_scored_features(
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


def _has_households(run: _Run) -> bool:
    return run.features.has("street") or run.features.has("phones")


def _score_changes(run: _Run, known: LinkingModel) -> tuple[int, int]:
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
    pairs = _score(
        run,
        known,
        """record_number in (select left_number from linkage_candidates
            union all select right_number from linkage_candidates)""",
    )
    connection.execute(f"insert into {LINKS} by name from linkage_scored")
    connection.execute(f"insert into {HOUSEHOLD_PAIRS} by name from linkage_scored_households")
    return pairs, int(changed)


def _find_changes(run: _Run, known: LinkingModel) -> None:
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


def _changed_terms(run: _Run, known: LinkingModel) -> str:
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


def _read_decisions(run: _Run) -> None:
    """Read what stewards decided.

    Leaves `linkage_decisions` (left_number, right_number, decision) and `linkage_redecided`, the
    record_number of the records of which the last run knew another decision.
    """
    connection = run.connection
    empty = "(left_number bigint, right_number bigint, decision varchar)"
    connection.execute(f"create or replace temp table linkage_decisions {empty}")
    connection.execute(f"create table if not exists {DECIDED} {empty}")
    if _has_relation(connection, DECISIONS):
        connection.execute(
            f"""insert into linkage_decisions
            select least(a.record_number, b.record_number), greatest(a.record_number, b.record_number),
                any_value(d.decision)
            from {DECISIONS} as d
            inner join {FEATURES} as a on d.record_id_l = a.record_id
            inner join {FEATURES} as b on d.record_id_r = b.record_id
            where a.record_number <> b.record_number group by 1, 2"""
        )
    connection.execute(
        f"""create or replace temp table linkage_redecided as
        with changed as (
            (from linkage_decisions except from {DECIDED})
            union (from {DECIDED} except from linkage_decisions))
        select left_number as record_number from changed union select right_number from changed"""
    )
    connection.execute(f"create or replace table {DECIDED} as from linkage_decisions")


def _write_clusters(run: _Run, is_incremental: bool) -> tuple[int, int]:
    """Write record_clusters; return how many persons and households there are.

    With is_incremental only the persons and households that anything changed in are written.
    """
    connection = run.connection
    wanted = ""
    if is_incremental and _has_table(connection, CLUSTERS) and _has_before(connection):
        _find_rewritten(run)
        wanted = "where record_number in (from linkage_rewritten)"
        connection.execute(
            f"""delete from {CLUSTERS} where record_id in (
                select record_id from {FEATURES} {wanted}
                union all select record_id from linkage_gone)"""
        )
    else:
        connection.execute(
            f"""create or replace table {CLUSTERS} as
            select record_id, record_id as person_cluster, record_id as household_cluster,
                cast(null as double) as link_probability, cast(null as varchar) as link_reason
            from {FEATURES} limit 0"""
        )
    connection.execute(
        f"""create or replace temp table linkage_wanted as
        select f.record_id, p.record_number, p.person_number, p.household_number
        from {PARTS} as p inner join {FEATURES} as f using (record_number) {wanted}"""
    )
    connection.execute(
        f"""create or replace temp table linkage_best as
        with inside as (
            select p.left_number, p.right_number, p.match_weight
            from {LINKS} as p
            inner join linkage_wanted as a on p.left_number = a.record_number
            inner join linkage_wanted as b
                on p.right_number = b.record_number and a.person_number = b.person_number),
        sides as (
            select left_number as record_number, match_weight, left_number, right_number from inside
            union all
            select right_number, match_weight, left_number, right_number from inside),
        best as (
            select record_number,
                max_by({{'w': match_weight, 'l': left_number, 'r': right_number}},
                    (match_weight, left_number, right_number)) as pair
            from sides group by record_number),
        reasons as (
            select left_number, right_number, {reason_sql(run.comparisons)} as reason
            from {LINKS} semi join best
                on left_number = best.pair.l and right_number = best.pair.r)
        select best.record_number, best.pair.w as match_weight, reasons.reason
        from best inner join reasons
            on best.pair.l = reasons.left_number and best.pair.r = reasons.right_number"""
    )
    # most groups are of one record, whose id is theirs
    connection.execute(
        f"""insert into {CLUSTERS}
        with persons as (
            select person_number, min(record_id) as record_id from linkage_wanted
            group by person_number having count(*) > 1),
        households as (
            select household_number, min(record_id) as record_id from linkage_wanted
            group by household_number having count(*) > 1)
        select named.record_id,
            coalesce(persons.record_id, named.record_id),
            coalesce(households.record_id, named.record_id),
            case when best.match_weight is null then 1.0
                else 1 / (1 + pow(2, -best.match_weight)) end,
            best.reason
        from linkage_wanted as named
        left join persons using (person_number)
        left join households using (household_number)
        left join linkage_best as best on named.record_number = best.record_number"""
    )
    ((persons, households),) = connection.execute(
        f"select count(distinct person_number), count(distinct household_number) from {PARTS}"
    ).fetchall()
    return int(persons), int(households)


def _has_before(connection: duckdb.DuckDBPyConnection) -> bool:
    return bool(
        connection.execute(
            "select count(*) from duckdb_tables() where table_name = 'linkage_parts_before' and temporary"
        ).fetchall()[0][0]
    )


def _find_rewritten(run: _Run) -> None:
    """Leave linkage_rewritten: the records of persons and households that anything changed in."""
    run.connection.execute(
        f"""create or replace temp table linkage_rewritten as
        with moved as (
            select coalesce(p.record_number, b.record_number) as record_number
            from {PARTS} as p full outer join linkage_parts_before as b using (record_number)
            where p.person_number is distinct from b.person_number
                or p.household_number is distinct from b.household_number),
        seeds as (
            select record_number from moved
            union select record_number from linkage_touched
            union select record_number from linkage_redecided),
        either_run as (
            select record_number, person_number, household_number from {PARTS}
            union all select record_number, person_number, household_number from linkage_parts_before),
        changed as (
            select person_number, household_number from either_run
            where record_number in (select record_number from seeds)),
        -- who is of a changed person is of its household, so that whole households are written
        households as (
            select distinct household_number from either_run
            where household_number in (select household_number from changed)
                or person_number in (select person_number from changed))
        select record_number from {PARTS}
        where household_number in (select household_number from households)"""
    )
