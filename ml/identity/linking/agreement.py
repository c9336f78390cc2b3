"""How linked pairs agree, field by field: whether records still are as those that the model learnt from.

Belongs here: the shares of levels, now and when the model was trained. Does not: what is done about a
difference.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

import duckdb

from ml.identity.linking.comparisons import FieldComparison
from ml.identity.linking.tables import LINKS, MODELS
from ml.identity.relations import has_table

# Of fewer expected matches with a field, shares move by chance alone.
LEAST_MATCHES = 500
# Where the stored model has what `keep_agreement` adds.
AGREEMENT = "agreement"
Agreement = Mapping[str, Mapping[str, float]]


def read_agreement(
    connection: duckdb.DuckDBPyConnection, comparisons: Sequence[FieldComparison]
) -> dict[str, dict[str, float]]:
    """Return for each comparison and level how many matches agree so.

    A pair counts as far as it is one person. Pairs that no key found are left out: which of them were
    compared follows from the groups.
    """
    selects = " union all ".join(
        f"""select '{item.name}', cast(level_{item.name} as varchar),
            sum(1 / (1 + pow(2, -match_weight)))
        from {LINKS} where key_mask <> 0 and level_{item.name} >= 0 group by 2"""
        for item in comparisons
    )
    found: dict[str, dict[str, float]] = {item.name: {} for item in comparisons}
    for name, level, matches in connection.execute(selects).fetchall():
        found[name][level] = float(matches)
    return found


def keep_agreement(
    connection: duckdb.DuckDBPyConnection, comparisons: Sequence[FieldComparison]
) -> None:
    """Keep with the current model how pairs agree now."""
    ((text,),) = connection.execute(f"select model from {MODELS} where is_current").fetchall()
    stored = json.loads(text) | {AGREEMENT: read_agreement(connection, comparisons)}
    connection.execute(
        f"update {MODELS} set model = ? where is_current", [json.dumps(stored, sort_keys=True)]
    )


def measure_drift(
    connection: duckdb.DuckDBPyConnection, comparisons: Sequence[FieldComparison]
) -> dict[str, float]:
    """Return for each comparison which share of the matches agrees at another level than in training.

    Comparisons that too few pairs have, then or now, are left out.
    """
    if not has_table(connection, MODELS):
        return {}
    models = connection.execute(f"select model from {MODELS} where is_current").fetchall()
    before: Agreement = json.loads(models[0][0]).get(AGREEMENT, {}) if models else {}
    now = read_agreement(connection, comparisons) if before else {}
    return {
        name: difference(before[name], now[name])
        for name in now
        if name in before
        and min(sum(before[name].values()), sum(now[name].values())) >= LEAST_MATCHES
    }


def difference(one: Mapping[str, float], other: Mapping[str, float]) -> float:
    """Return half the sum of the differences of all shares: 0 for the same, 1 for none in common."""
    sums = sum(one.values()), sum(other.values())
    return (
        sum(
            abs(one.get(level, 0.0) / sums[0] - other.get(level, 0.0) / sums[1])
            for level in {*one, *other}
        )
        / 2
    )
