"""Why two records are, or are not, one person: the evidence field by field, as Splink's waterfall has it.

Belongs here: taking a stored score apart. Does not: scoring (`scoring`), or grouping (`clustering`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np

from ml.identity.linking.compare import score_one_pair
from ml.identity.linking.comparisons import FieldComparison, choose_comparisons
from ml.identity.linking.features import FeatureSet, describe_features
from ml.identity.linking.model import LinkingModel, read_model
from ml.identity.linking.roles import LinkingError, RecordFields
from ml.identity.linking.scoring import prior_weight
from ml.identity.linking.tables import CLUSTERS, FEATURES, LINKS, MODELS
from ml.identity.linking.text import define_macros


@dataclass(frozen=True)
class FieldEvidence:
    """What one field says.

    Attributes
    ----------
    field : str
        Name of the comparison.
    finding : str
        In words, without values; 'missing' where a side has none.
    weight : float
        Log2 odds that it adds.
    """

    field: str
    finding: str
    weight: float


@dataclass(frozen=True)
class PairExplanation:
    """The score of a pair, taken apart.

    Attributes
    ----------
    prior_weight : float
        Log2 odds that any two records are one person.
    evidence : list of FieldEvidence
        In the order of the comparisons.
    commonness_weight : float
        What the commonness of the shared values takes away (below 0) or adds.
    household_weight : float
        What is taken away because two people of a household would explain the pair as well (0 or below).
    match_weight : float
        The sum: log2 odds of one person.
    match_probability : float
        The same as a probability.
    is_same_person : bool
        Whether the last run put them together.
    was_compared : bool
        Whether the last run compared the two.
    """

    prior_weight: float
    evidence: list[FieldEvidence]
    commonness_weight: float
    household_weight: float
    match_weight: float
    match_probability: float
    is_same_person: bool
    was_compared: bool


def explain_pair(
    connection: duckdb.DuckDBPyConnection,
    records: str,
    fields: RecordFields | Mapping[str, str | Sequence[str]],
    record_id_l: object,
    record_id_r: object,
) -> PairExplanation:
    """Take apart what the last run of `resolve` says of two records.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Where `resolve` ran with these records and fields; temporary tables are made in it.

    Raises
    ------
    LinkingError
        When a record is unknown, or nothing has been resolved with these fields.
    """
    if not isinstance(fields, RecordFields):
        fields = RecordFields.of(fields)
    define_macros(connection)
    features = describe_features(connection, records, fields)
    comparisons = choose_comparisons(features)
    model = _current_model(connection, features)
    left, right = (_number(connection, record_id) for record_id in (record_id_l, record_id_r))
    if left == right:
        raise LinkingError("These are not two records, but one and the same.")
    left, right = min(left, right), max(left, right)
    row = _scored(connection, LINKS, comparisons, left, right)
    was_compared = row is not None
    if row is None:
        score_one_pair(connection, comparisons, model, left, right)
        row = _scored(connection, "linkage_scored_pairs", comparisons, left, right)
    if row is None:
        raise LinkingError("The pair could not be scored.")
    match_weight, rival = row[:2]
    levels = [int(level) for level in row[2:]]
    parameters = model.parameters
    evidence = []
    for comparison, level in zip(comparisons, levels, strict=True):
        if level < 0:
            evidence.append(FieldEvidence(comparison.name, "missing", 0.0))
            continue
        m, u = parameters.m[comparison.name][level], parameters.u[comparison.name][level]
        label = comparison.levels[level].label
        evidence.append(FieldEvidence(comparison.name, label, float(np.log2(m / u))))
    household = -float(np.log2(1 + np.exp2(min(rival, 500.0))))
    prior = prior_weight(parameters.match_share)
    commonness = match_weight - household - prior - sum(item.weight for item in evidence)
    ((is_same,),) = connection.execute(
        f"""select count(distinct person_cluster) = 1 from {CLUSTERS}
        where record_id in (select record_id from {FEATURES} where record_number in (?, ?))""",
        [left, right],
    ).fetchall()
    return PairExplanation(
        prior_weight=prior,
        evidence=evidence,
        commonness_weight=float(commonness),
        household_weight=household,
        match_weight=float(match_weight),
        match_probability=float(1 / (1 + np.exp2(-match_weight))),
        is_same_person=bool(is_same),
        was_compared=was_compared,
    )


def link_path(
    connection: duckdb.DuckDBPyConnection, record_id_l: object, record_id_r: object
) -> list[str]:
    """Return the records over which links lead from one to the other within a person, both included.

    The fewest steps; of pairs that are more likely one person than not. Empty when they are not linked.
    """
    left, right = (_number(connection, record_id) for record_id in (record_id_l, record_id_r))
    links = connection.execute(
        f"""with members as (
            select f.record_number, cast(f.record_id as varchar) as record_id
            from {CLUSTERS} as c inner join {FEATURES} as f using (record_id)
            where c.person_cluster = (select person_cluster from {CLUSTERS} as k
                inner join {FEATURES} as g using (record_id) where g.record_number = ?))
        select l.left_number, l.right_number, a.record_id, b.record_id
        from {LINKS} as l
        inner join members as a on l.left_number = a.record_number
        inner join members as b on l.right_number = b.record_number
        where l.match_weight > 0 order by l.match_weight desc""",
        [left],
    ).fetchall()
    names: dict[int, str] = {}
    neighbours: dict[int, list[int]] = {}
    for a, b, name_a, name_b in links:
        names |= {a: name_a, b: name_b}
        neighbours.setdefault(a, []).append(b)
        neighbours.setdefault(b, []).append(a)
    before: dict[int, int | None] = {left: None}
    waiting = deque([left])
    while waiting and right not in before:
        record = waiting.popleft()
        for other in neighbours.get(record, []):
            if other not in before:
                before[other] = record
                waiting.append(other)
    if right not in before:
        return []
    path: list[str] = []
    step: int | None = right
    while step is not None:
        path.append(names[step])
        step = before[step]
    return path[::-1]


def _current_model(connection: duckdb.DuckDBPyConnection, features: FeatureSet) -> LinkingModel:
    stored = connection.execute(f"select model from {MODELS} where is_current").fetchall()
    model = read_model(stored[0][0], features) if stored else None
    if model is None:
        raise LinkingError("Nothing has been resolved with these fields yet: run resolve first.")
    return model


def _number(connection: duckdb.DuckDBPyConnection, record_id: object) -> int:
    found = connection.execute(
        f"select record_number from {FEATURES} where cast(record_id as varchar) = ?",
        [str(record_id)],
    ).fetchall()
    if not found:
        raise LinkingError(f"There is no record {record_id} in the last run.")
    return int(found[0][0])


def _scored(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    comparisons: Sequence[FieldComparison],
    left: int,
    right: int,
) -> tuple[float, ...] | None:
    levels = ", ".join(f"level_{item.name}" for item in comparisons)
    found = connection.execute(
        f"""select match_weight, household_weight, {levels} from {table}
        where left_number = ? and right_number = ?""",
        [left, right],
    ).fetchall()
    return found[0] if found else None
