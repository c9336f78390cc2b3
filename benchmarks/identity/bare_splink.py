"""Splink as its guides say, on the same columns: the rival of the benchmark.

Belongs here: cleaning, comparisons, blocking and training that a careful user of Splink would write for
these roles, and its own clustering. Does not: anything of ours (vetoes, shared contact points, households).
"""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb

# What Splink's own guides cluster at: a match probability of 0.95, as a match weight (log2 of the odds).
DEFAULT_WEIGHT = 4.25
# What the report picks from afterwards, the truth in hand: no user could.
WEIGHTS = (0.0, 2.0, DEFAULT_WEIGHT, 6.0, 8.0, 10.0, 12.0, 14.0, 17.0, 20.0, 24.0, 28.0, 34.0)
_RANDOM_PAIRS = 5e6

_DATE_FORMATS = "['%Y-%m-%d', '%Y%m%d', '%d/%m/%Y', '%m/%d/%Y', '%d-%m-%Y', '%d.%m.%Y', '%Y/%m/%d']"
# By role: how a careful user would clean it before linking, over {value}, all columns in one text.
_CLEANING = {
    "birth_date": f"coalesce(strftime(try_strptime({{value}}, {_DATE_FORMATS}), '%Y-%m-%d'), "
    "try_cast({value} as date)::varchar)",
    "phone": "right(regexp_replace({value}, '[^0-9]', '', 'g'), 7)",
    "email": "lower({value})",
    "postal_code": "regexp_replace(upper({value}), '[^A-Z0-9]', '', 'g')",
    "national_id": "regexp_replace(upper({value}), '[^A-Z0-9]', '', 'g')",
}
_PLAIN_CLEANING = "regexp_replace(strip_accents(lower({value})), '[^a-z0-9]+', ' ', 'g')"
# Roles of which several columns are alternatives, not parts of one value.
_ALTERNATIVES = frozenset(
    ["full_name", "birth_date", "national_id", "email", "phone", "postal_code", "gender"]
)
# Fields that together single a person out: blocking takes each two of them.
_STRONG = ("given_name", "surname", "full_name", "birth_date", "postal_code", "street", "city")
_SINGLE = ("national_id", "loyalty_card", "email", "phone", "full_name", "birth_date", "street")


@dataclass(frozen=True)
class BareOutcome:
    """What bare Splink did.

    Attributes
    ----------
    seconds, cpu_seconds : float
        From reading to the clusters at the default threshold; time of all threads.
    clusters : dict
        Parquet file (`record_id`, `predicted`) by match weight of the threshold.
    """

    seconds: float
    cpu_seconds: float
    clusters: dict[float, Path]


def clean_records(
    connection: duckdb.DuckDBPyConnection, records: str, fields: Mapping[str, Sequence[str]]
) -> list[str]:
    """Make table `cleaned` with `unique_id` and a column a role (other: one a column); return these."""
    selects: dict[str, str] = {}
    for role, columns in fields.items():
        if role == "other":
            selects |= {name: _cleaned(role, f'"{name}"') for name in columns}
            continue
        quoted = [f'"{name}"' for name in columns]
        value = (
            f"coalesce({', '.join(quoted)})"
            if role in _ALTERNATIVES
            else f"concat_ws(' ', {', '.join(quoted)})"
        )
        selects[role] = _cleaned(role, value)
    listed = ", ".join(f'{sql} as "{name}"' for name, sql in selects.items())
    connection.execute(
        f"create table cleaned as select record_id as unique_id, {listed} from {records}"
    )
    return list(selects)


def _cleaned(role: str, value: str) -> str:
    return f"nullif(trim({_CLEANING.get(role, _PLAIN_CLEANING).format(value=value)}), '')"


def comparisons(columns: Sequence[str]) -> list[Any]:
    """Return Splink's stock comparison of each column."""
    import splink.internals.comparison_library as cl

    def comparison(column: str) -> Any:  # noqa: ANN401 - Splink's comparison creators share no public type
        match column:
            case "given_name" | "surname" | "full_name":
                return cl.NameComparison(column).configure(term_frequency_adjustments=True)
            case "birth_date":
                return cl.DateOfBirthComparison(
                    column, input_is_string=True, datetime_format="%Y-%m-%d"
                )
            case "email":
                return cl.EmailComparison(column).configure(term_frequency_adjustments=True)
            case "postal_code" | "phone" | "national_id" | "loyalty_card":
                return cl.LevenshteinAtThresholds(column, [1, 2]).configure(
                    term_frequency_adjustments=True
                )
            case "gender" | "province":
                return cl.ExactMatch(column)
            case _:
                return cl.JaroWinklerAtThresholds(column, [0.9, 0.7]).configure(
                    term_frequency_adjustments=True
                )

    return [comparison(column) for column in columns]


def blocking_keys(
    connection: duckdb.DuckDBPyConnection, columns: Sequence[str], records: int
) -> list[tuple[str, ...]]:
    """Return the keys that block: of single and paired columns those with the fewest pairs.

    All together they may give as many pairs as ours: 12 a record, more in small files.
    """
    singles = [(column,) for column in _SINGLE if column in columns]
    pairs = list(combinations([column for column in _STRONG if column in columns], 2))
    if not pairs:
        pairs = list(combinations(columns, 2))
    found = {key: _pairs_of(connection, key) for key in [*singles, *pairs] or [tuple(columns)]}
    most = min(200 * records, max(12 * records, 4_000_000))
    taken: list[tuple[str, ...]] = []
    for key, count in sorted(found.items(), key=lambda item: item[1]):
        if 0 < count <= most:
            taken.append(key)
            most -= count
    return taken


def _pairs_of(connection: duckdb.DuckDBPyConnection, key: tuple[str, ...]) -> int:
    listed = ", ".join(f'"{column}"' for column in key)
    present = " and ".join(f'"{column}" is not null' for column in key)
    ((pairs,),) = connection.execute(
        f"select coalesce(sum(records * (records - 1) // 2), 0) from "
        f"(select count(*) as records from cleaned where {present} group by {listed})"
    ).fetchall()
    return int(pairs)


def link(
    connection: duckdb.DuckDBPyConnection,
    records: str,
    fields: Mapping[str, Sequence[str]],
    *,
    seed: int,
    folder: Path,
) -> BareOutcome:
    """Train, predict and cluster at Splink's default threshold, then at the others.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Where `records` is; tables of Splink stay behind in it.
    records : str
        Relation with `record_id` and the columns of `fields`.
    fields : mapping
        Columns by role.
    seed : int
        For Splink's sampling.
    folder : Path
        Where clusters are written.

    Raises
    ------
    ValueError
        When no key blocks: every record stands alone or all are alike.
    """
    started, started_cpu = time.perf_counter(), time.process_time()
    warnings.filterwarnings("ignore")
    from splink import DuckDBAPI, Linker, SettingsCreator, block_on

    logging.getLogger("splink").setLevel(logging.CRITICAL)

    columns = clean_records(connection, records, fields)
    ((count,),) = connection.execute("select count(*) from cleaned").fetchall()
    keys = blocking_keys(connection, columns, count)
    if not keys:
        raise ValueError("Bare Splink finds no blocking key among these columns.")
    api = DuckDBAPI(connection, materialisation="parquet", materialisation_dir=str(folder))
    linker = Linker(
        api.register("cleaned"),
        SettingsCreator(
            link_type="dedupe_only",
            comparisons=comparisons(columns),
            blocking_rules_to_generate_predictions=[block_on(*key) for key in keys],
            retain_matching_columns=False,
        ),
    )
    linker.training.estimate_probability_two_random_records_match(
        [block_on(*key) for key in _sure_keys(connection, keys, count)], recall=0.8
    )
    linker.training.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=seed)
    for key in _training_keys(keys):
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(*key))
    predicted = linker.inference.predict(threshold_match_weight=min(WEIGHTS))

    def clustered(weight: float) -> Path:
        found = linker.clustering.cluster_pairwise_predictions_at_threshold(
            predicted, threshold_match_weight=weight
        )
        target = folder / f"clusters_{weight}.parquet"
        connection.execute(
            "copy (select unique_id as record_id, cluster_id as predicted "
            f"from {found.physical_name}) to '{target}'"
        )
        found.drop_table_from_database_and_remove_from_cache()
        return target

    clusters = {DEFAULT_WEIGHT: clustered(DEFAULT_WEIGHT)}
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
    clusters |= {weight: clustered(weight) for weight in WEIGHTS if weight != DEFAULT_WEIGHT}
    return BareOutcome(seconds=seconds, cpu_seconds=cpu_seconds, clusters=clusters)


def _sure_keys(
    connection: duckdb.DuckDBPyConnection, keys: Sequence[tuple[str, ...]], records: int
) -> Sequence[tuple[str, ...]]:
    """Return keys that hardly hold for two different people, for the share of pairs that match."""
    sure = [
        key
        for key in keys
        if key in (("national_id",), ("loyalty_card",), ("email",))
        or (len(key) == 2 and "birth_date" in key)
    ]
    fewest = min(keys, key=lambda key: _pairs_of(connection, key))
    return [key for key in sure if _pairs_of(connection, key) <= 10 * records] or [fewest]


def _training_keys(keys: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return keys with no column in common, so that each comparison is trained at least once."""
    chosen: list[tuple[str, ...]] = []
    for key in sorted(keys, key=len, reverse=True):
        if not any(set(key) & set(taken) for taken in chosen):
            chosen.append(key)
    return chosen[:3]
