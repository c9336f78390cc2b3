"""How common values are: sharing a rare one says more.

Belongs here: the step of each value and looking it up for records. Does not: the values (`features`), what a
step is worth (`scoring`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import duckdb

from ml.identity.linking.features import FeatureSet, frequent_features

# Sharing the rarest value counts at most 2^8 times more than sharing a mean one: it may be one slip twice.
LEAST_STEP = -8


def mean_term_records(
    connection: duckdb.DuckDBPyConnection, table: str, features: FeatureSet
) -> dict[str, float]:
    """Return for each frequent feature how many records hold the value of a mean chance agreement."""
    means = {}
    for name in frequent_features(features):
        ((mean,),) = connection.execute(
            f"""select sum(cast(records as double) * records) / sum(records) from (
                select count(*) as records from {table} where {name} is not null group by {name})"""
        ).fetchall()
        means[name] = float(mean) if mean else 1.0
    return means


def terms_sql(
    features: FeatureSet, table: str, means: Mapping[str, float], where: str = "true"
) -> str:
    """Return a select of how common the values are: feature, term, step.

    Parameters
    ----------
    where : str
        Condition on the rows of the table, with {feature} in the place of the feature.

    Notes
    -----
    A value of step s is held by about 2^s times as many records as that of a mean chance agreement. In
    powers of four, so that some records more seldom change what a value is worth. Values of one record
    have no row; their step is `unseen_step`.
    """
    return " union all ".join(
        f"""select '{name}' as feature, {name} as term,
            cast({_step(f"count(*) / {means[name]!r}")} as tinyint) as step
        from {table} where {name} is not null and {where.format(feature=name)}
        group by {name} having step > {unseen_step(means[name])}"""
        for name in frequent_features(features)
    )


def _step(relative: str) -> str:
    return f"greatest(2 * round(log2({relative}) / 2), {LEAST_STEP})"


def unseen_step(mean_records: float) -> int:
    """Return the step of a value that one record holds."""
    return max(2 * round(-math.log2(mean_records) / 2), LEAST_STEP)


def write_scored_features(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    terms: str,
    means: Mapping[str, float],
    scale: Mapping[str, float],
    target: str,
    where: str | None = None,
    wanted: frozenset[str] = frozenset(),
) -> None:
    """Leave a view of the features with a column `tf_<feature>` for each feature of scale.

    Parameters
    ----------
    where : str or None
        Condition on the records; None for all.
    wanted : frozenset of str
        Features that are read beside those of scale, when there is a condition.

    Notes
    -----
    Splink divides the u of a level by this column; scale has that u, so that what is left is how much
    commoner the value is than that of a mean chance agreement.
    """
    rows = table
    if where is not None:
        # of few records few values are looked up: joining all of them would take longer than the rest
        rows = "linkage_scored_rows"
        names = ", ".join(sorted({"record_number", "record_id", "raw_hash", *scale, *wanted}))
        connection.execute(
            f"create or replace temp table {rows} as select {names} from {table} where {where}"
        )
        looked_up = " union all ".join(
            f"""select feature, term, step from {terms}
            where feature = '{name}' and term in (select {name} from {rows})"""
            for name in scale
        )
        connection.execute(
            f"create or replace temp table linkage_scored_terms as {looked_up or f'from {terms} limit 0'}"
        )
        terms = "linkage_scored_terms"
    joins = "".join(
        f"""
        left join (select term, step from {terms} where feature = '{name}') as terms_{name}
            on f.{name} = terms_{name}.term"""
        for name in scale
    )
    steps = "".join(
        f", cast(coalesce(terms_{name}.step, {unseen_step(means[name])}) as tinyint) as step_{name}"
        for name in scale
    )
    # narrow: copying the features along takes longer than looking the steps up
    connection.execute(
        f"create or replace temp table {target}_steps as "
        f"select f.record_number {steps} from {rows} as f {joins}"
    )
    columns = "".join(
        f""", case when f.{name} is not null then cast(pow(2, s.step_{name}) * {u!r} as double)
        end as tf_{name}"""
        for name, u in scale.items()
    )
    connection.execute(
        f"create or replace temp view {target} as select f.* exclude (record_id, raw_hash) {columns} "
        f"from {rows} as f inner join {target}_steps as s using (record_number)"
    )
