"""The model of a run: the stored one, or one trained on the records.

Belongs here: when a model fits, and the order of the steps of training. Does not: estimating (`training`).
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from ml.identity.linking import blocking, blocks, features, model, patterns, terms, training
from ml.identity.linking.full_names import GIVEN_WORDS, count_given_words
from ml.identity.linking.model import LinkingModel
from ml.identity.linking.tables import FEATURES, MODELS, LinkingRun
from ml.identity.relations import has_table


def stored_model(run: LinkingRun) -> LinkingModel | None:
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
    if run.features.whole_names is not None and not has_table(run.connection, GIVEN_WORDS):
        return None
    known = model.read_model(stored[0][0], run.features)
    if known is None:
        return None
    growth = max(run.count, 1) / max(known.records, 1)
    if not 1 / run.options.most_growth <= growth <= run.options.most_growth:
        return None
    return known


def train(run: LinkingRun) -> LinkingModel:
    """Train a model on all records and store it; leaves features, terms and pairs as they are for it."""
    connection = run.connection
    if run.features.whole_names is not None:
        count_given_words(connection, run.records, run.fields)
    features.build_features(connection, run.records, run.features, FEATURES)
    means = terms.mean_term_records(connection, FEATURES, run.features)
    keys = blocking.choose_keys(connection, FEATURES, run.features, run.count)
    pairs = blocks.write_pairs(connection, FEATURES, keys, "linkage_candidates")
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
