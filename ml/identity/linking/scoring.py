"""The weight of evidence of each candidate pair, in Splink's model.

Belongs here: Splink's settings and formula, and the household as a rival explanation. Does not: what is
done with the weight (`clustering`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb
import numpy as np
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

from ml.identity.linking.comparisons import FieldComparison, splink_comparison
from ml.identity.linking.patterns import level_sql
from ml.identity.linking.training import LinkingParameters


def splink_settings(
    comparisons: Sequence[FieldComparison],
    parameters: LinkingParameters | None = None,
    blocking_columns: Sequence[Sequence[str]] = (("record_number",),),
) -> SettingsCreator:
    """Return the settings of Splink 5, with trained probabilities when there are parameters."""
    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="record_number",
        comparisons=[
            splink_comparison(item)
            if parameters is None
            else splink_comparison(item, m=parameters.m[item.name], u=parameters.u[item.name])
            for item in comparisons
        ],
        blocking_rules_to_generate_predictions=[block_on(*names) for names in blocking_columns],
        probability_two_random_records_match=0.0001
        if parameters is None
        else min(max(parameters.match_share, 1e-12), 0.5),
        retain_intermediate_calculation_columns=False,
        retain_matching_columns=False,
    )


def frequency_scales(
    comparisons: Sequence[FieldComparison], parameters: LinkingParameters
) -> dict[str, float]:
    """Return for each frequent feature the u of the level that it adjusts."""
    return {
        level.frequency: parameters.u[comparison.name][number]
        for comparison in comparisons
        for number, level in enumerate(comparison.levels)
        if level.frequency is not None
    }


def read_features(comparisons: Sequence[FieldComparison]) -> frozenset[str]:
    """Return the features that the levels of the comparisons read."""
    conditions = [
        sql
        for comparison in comparisons
        for sql in (comparison.null_sql, *(level.sql for level in comparison.levels))
    ]
    return frozenset(re.findall(r"\b(\w+)_[lr]\b", " ".join(conditions)))


def weight_sql(
    comparisons: Sequence[FieldComparison], parameters: LinkingParameters, kind: str
) -> str:
    """Return SQL over level_<comparison> and tf columns: log2 odds of a kind of pair against strangers.

    Parameters
    ----------
    kind : str
        'm' for one person, 'h' for two people of a household.
    """
    share = parameters.match_share if kind == "m" else parameters.household_share
    terms = [repr(prior_weight(share))]
    for comparison in comparisons:
        name = comparison.name
        upper = parameters.m[name] if kind == "m" else parameters.h[name]
        lower = parameters.u[name]
        cases = []
        for number, level in enumerate(comparison.levels):
            weight = repr(float(np.log2(upper[number] / lower[number])))
            # what a household shares is as rare for two of its people as for two records of one
            if level.frequency is not None and (kind == "m" or comparison.is_of_household):
                weight += (
                    f" + coalesce(log2({lower[number]!r} / greatest(tf_{level.frequency}_l, "
                    f"tf_{level.frequency}_r)), 0)"
                )
            cases.append(f"when {number} then {weight}")
        terms.append(f"(case level_{name} {' '.join(cases)} else 0 end)")
    return " + ".join(terms)


def levelled_sql(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    comparisons: Sequence[FieldComparison],
    pairs: str,
    also: str,
) -> str:
    """Return a select of left_number, right_number, the columns also, and level_<comparison>."""
    names = [row[0] for row in connection.execute(f"describe from {table}").fetchall()]
    columns = ", ".join(
        f"l.{name} as {name}_l, r.{name} as {name}_r" for name in names if name != "record_number"
    )
    levels = ", ".join(
        f"cast({level_sql(item)} as tinyint) as level_{item.name}" for item in comparisons
    )
    return f"""select left_number, right_number {also}, {levels} from (
            select p.*, {columns} from ({pairs}) as p
            inner join {table} as l on p.left_number = l.record_number
            inner join {table} as r on p.right_number = r.record_number)"""


def score_households(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    comparisons: Sequence[FieldComparison],
    parameters: LinkingParameters,
    pairs: str,
    target: str,
) -> None:
    """Write the pairs that look like two people of a household: left_number, right_number, household_weight.

    Only what a household shares is looked at.
    """
    shared = [item for item in comparisons if item.is_of_household]
    frequencies = "".join(
        f", tf_{level.frequency}_l, tf_{level.frequency}_r"
        for item in shared
        for level in item.levels
        if level.frequency is not None
    )
    connection.execute(
        f"""create or replace temp table {target} as
        with levelled as ({levelled_sql(connection, table, shared, f"from {pairs}", frequencies)})
        select * from (select left_number, right_number,
            {weight_sql(shared, parameters, "h")} as household_weight from levelled)
        where household_weight > 0"""
    )


def prior_weight(share: float) -> float:
    """Return the log2 odds of a share of all pairs."""
    share = min(max(share, 1e-12), 0.5)
    return float(np.log2(share / (1 - share)))


def score_pairs(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    comparisons: Sequence[FieldComparison],
    parameters: LinkingParameters,
    pairs: str,
    target: str,
    least_weight: float | None,
    is_by_splink: bool = False,
) -> None:
    """Write the pairs with their weights.

    Parameters
    ----------
    table : str
        The features with their frequencies, `terms.write_scored_features`.
    least_weight : float or None
        Pairs below this log2 odds against strangers are left out; None keeps all.
    is_by_splink : bool
        Whether Splink computes the weights. By default its formula is computed along with the levels, to
        the same weights in two thirds of the time.

    Notes
    -----
    Columns of the target: left_number, right_number, match_weight (log2 odds of one person against all
    else), household_weight (log2 odds of two people of a household against strangers), and
    level_<comparison>, the index of the level, -1 where a side is missing.
    """
    frequencies = "".join(
        f", tf_{name}_l, tf_{name}_r" for name in frequency_scales(comparisons, parameters)
    )
    kept = "".join(f", level_{item.name}" for item in comparisons)
    if is_by_splink:
        scored = _splink_weights(connection, table, comparisons, parameters, pairs, least_weight)
        wanted, person_weight = f"from {scored}", "person_weight"
        frequencies += ", person_weight"
    else:
        wanted = f"select left_number, right_number from {pairs}"
        person_weight = weight_sql(comparisons, parameters, "m")
    kept_weights = "true" if least_weight is None else f"person_weight >= {least_weight!r}"
    connection.execute(
        f"""create or replace temp table {target} as
        with levelled as ({levelled_sql(connection, table, comparisons, wanted, frequencies)}),
        weighed as (
            select left_number, right_number, {person_weight} as person_weight,
                {weight_sql(comparisons, parameters, "h")} as household_weight {kept}
            from levelled)
        select left_number, right_number,
            -- log2(1 + 2^h) is the weight of all that is not one person
            person_weight - case when household_weight > 30 then household_weight
                else log2(1 + pow(2, household_weight)) end as match_weight,
            household_weight {kept}
        from weighed where {kept_weights}"""
    )
    if is_by_splink:
        connection.execute(f"drop table {scored}")


def _splink_weights(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    comparisons: Sequence[FieldComparison],
    parameters: LinkingParameters,
    pairs: str,
    least_weight: float | None,
) -> str:
    """Have Splink score the pairs; return the name of a table of left_number, right_number, person_weight."""
    api = DuckDBAPI(connection)
    # Splink looks its tables up without a schema
    connection.execute(f"create or replace temp view linkage_records as from {table}")
    linker = Linker(
        api.register("linkage_records"),
        splink_settings(comparisons, parameters),
        log_level=None,
        validate_settings=False,
    )
    connection.execute(
        f"""create or replace temp view linkage_pairs as
        select '0' as match_key, left_number as join_key_l, right_number as join_key_r from {pairs}"""
    )
    linker.table_management.register_blocked_pairs_for_predict(api.register("linkage_pairs"))
    scored = linker.inference.predict(threshold_match_weight=least_weight, warning_mode="never")
    connection.execute(
        f"""create or replace temp table linkage_splink as
        select record_number_l as left_number, record_number_r as right_number,
            match_weight as person_weight
        from {scored.physical_name}"""
    )
    scored.drop_table_from_database_and_remove_from_cache()
    return "linkage_splink"
