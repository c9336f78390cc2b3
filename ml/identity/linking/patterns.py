"""How often which levels of agreement occur together, among candidate and among random pairs.

Belongs here: comparing sampled pairs and counting. Does not: estimating anything from the counts.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import numpy as np

from ml.identity.linking.comparisons import ELSE, FieldComparison
from ml.identity.linking.training import ExactAgreement, Patterns

# Enough that a level of one pair in ten thousand is seen a hundred times.
MAX_SAMPLED_PAIRS = 1_000_000
MAX_CHANCE_PAIRS = 500_000
# Given to one person each; an e-mail or a telephone is not.
IDENTIFIERS = ("national_id", "loyalty_card")
# With no other field to learn from, who share a contact are taken for one.
CONTACTS = ("email", "phone")
# The features whose equality is a comparison's first level: how often chance agrees is then counted.
FIRST_LEVEL_FEATURE = {
    "given_name": "given", "surname": "surname", "name": "name", "birth_date": "birth",
    "national_id": "national_id", "loyalty_card": "loyalty_card", "email": "email", "street": "street",
    "phone": "phone",
}  # fmt: skip


def level_sql(comparison: FieldComparison) -> str:
    """Return SQL of the index of the level, -1 when a side is missing."""
    cases = [f"when {comparison.null_sql} then -1"]
    for number, level in enumerate(comparison.levels):
        if level.sql != ELSE:
            cases.append(f"when {level.sql} then {number}")
    return f"case {' '.join(cases)} else {len(comparison.levels) - 1} end"


def _count_patterns(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    comparisons: Sequence[FieldComparison],
    pairs: str,
) -> Patterns:
    names = [
        row[0]
        for row in connection.execute(f"describe from {table}").fetchall()
        if row[0] not in ("record_number", "record_id", "raw_hash")
    ]
    columns = ", ".join(f"l.{name} as {name}_l, r.{name} as {name}_r" for name in names)
    levels = ", ".join(
        f"cast({level_sql(item)} as tinyint) as level_{c}" for c, item in enumerate(comparisons)
    )
    frame = connection.execute(
        f"""with compared as (
            select p.key_mask, {columns} from ({pairs}) as p
            inner join {table} as l on p.left_number = l.record_number
            inner join {table} as r on p.right_number = r.record_number),
        levelled as (select key_mask, {levels} from compared)
        select *, count(*) as pairs from levelled group by all order by all"""
    ).df()
    return Patterns(
        levels=frame[[f"level_{c}" for c in range(len(comparisons))]].to_numpy(np.int64),
        key_masks=frame["key_mask"].to_numpy(np.int64),
        pairs=frame["pairs"].to_numpy(float),
    )


def candidate_patterns(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    comparisons: Sequence[FieldComparison],
    pairs: str,
    pair_count: int,
) -> tuple[Patterns, float]:
    """Return the patterns of a sample of the candidate pairs, and pairs in all over pairs sampled."""
    modulus = max(1, -(-pair_count // MAX_SAMPLED_PAIRS))
    sample = f"from {pairs} where hash(left_number, right_number) % {modulus} = 0"
    patterns = _count_patterns(connection, table, comparisons, sample)
    return patterns, pair_count / max(patterns.pairs.sum(), 1.0)


def chance_patterns(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    comparisons: Sequence[FieldComparison],
    seed: int,
) -> Patterns:
    """Return the patterns of random pairs of records."""
    generator = np.random.default_rng(seed)
    numbers = connection.execute(
        f"select record_number from {table} order by record_number"
    ).fetchnumpy()["record_number"]
    sampled = min(MAX_CHANCE_PAIRS, len(numbers) * (len(numbers) - 1) // 2)
    left = numbers[generator.integers(0, len(numbers), sampled)]
    right = numbers[generator.integers(0, len(numbers), sampled)]
    kept = left != right
    connection.register("chance_pairs", {"left_number": left[kept], "right_number": right[kept]})
    try:
        return _count_patterns(
            connection,
            table,
            comparisons,
            "select left_number, right_number, 0::bigint as key_mask from chance_pairs",
        )
    finally:
        connection.unregister("chance_pairs")


def exact_agreement(
    connection: duckdb.DuckDBPyConnection, table: str, comparisons: Sequence[FieldComparison]
) -> dict[str, ExactAgreement]:
    """Return for each comparison how many pairs agree exactly, from the counted values."""
    result = {}
    for comparison in comparisons:
        feature = FIRST_LEVEL_FEATURE.get(comparison.name)
        if comparison.name.startswith("other_"):
            feature = comparison.name
        if feature is None:
            continue
        ((agreeing, filled),) = connection.execute(
            f"""select sum(cast(records as double) * (records - 1) / 2), sum(records) from (
                select count(*) as records from {table} where {feature} is not null group by {feature})"""
        ).fetchall()
        if filled:
            result[comparison.name] = ExactAgreement(
                float(agreeing),
                float(filled) * (float(filled) - 1) / 2,
                comparison.name in IDENTIFIERS
                or (comparison.name in CONTACTS and len(comparisons) == 1),
            )
    return result
