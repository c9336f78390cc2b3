"""Whether a delivery differs from the earlier ones of its kind, how seriously, and in which words.

Belongs here: limits and decisions on profiles. Does not: computing profiles, or storing them.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from ml.quality.distribution import population_stability_index, share_shift, z_of_shares

TABLE_ROW: Final = "*"
"""Name that stands for the table as a whole in ``column_name``."""

PROFILE_COLUMNS: Final = (
    "source_system",
    "table_name",
    "column_name",
    "delivery_series",
    "delivery",
    "loaded_at",
    "source_file",
    "rows",
    "rows_sampled",
    "rows_per_day",
    "null_share",
    "quantiles",
    "pattern",
    "pattern_share",
    "common_values",
    "undeclared_columns",
    "renamed_columns",
    "is_distribution_compared",
)
"""Columns that a profile must have to be judged."""

DRIFT_COLUMNS: Final = ("drift_severity", "drift_kinds", "drift_score", "drift_reason")
SEVERITIES: Final = ("none", "notice", "warning")


@dataclass(frozen=True)
class DriftLimits:
    """From which change on a person should look; each limit with the reason for its size."""

    references: int = 12
    """Deliveries looked back: a year of months, or two weeks of days with both weekends."""
    minimum_z: float = 5.0
    """Standard errors below which a change of a share is chance, with thousands of comparisons."""
    null_share_notice: float = 0.05
    null_share_warning: float = 0.15
    """A field that loses 15 points of its values no longer carries the plays that rely on it."""
    psi_notice: float = 0.10
    psi_warning: float = 0.25
    """The customary limits of the population stability index."""
    minimum_rows: int = 300
    """Rows below which ten bins say nothing about a distribution."""
    pattern_share: float = 0.5
    """A pattern that half of the values follow is the column's format, fewer are free text."""
    pattern_shift_notice: float = 0.15
    pattern_shift_warning: float = 0.30
    new_value_share: float = 0.02
    """A code that never occurred is worth a word when one row in fifty carries it."""
    values_shift_warning: float = 0.30
    row_factor_notice: float = 1.5
    row_factor_warning: float = 3.0
    """Three times fewer rows than in the poorest earlier delivery: the export was cut short."""
    more_than_ever: float = 1.5
    """A mix that has always moved is judged by its largest move so far: only half as much again tells."""
    vocabulary_growth: float = 1.5
    """Codes repeat: where all deliveries together have half as many values more than any one of them,
    they are numbers of something (campaigns, tickets), and new ones are no news."""
    minimum_references: int = 3
    """Deliveries needed to know how much the row count varies by itself."""


class Finding(NamedTuple):
    """One way in which a delivery differs."""

    severity: str
    kind: str
    score: float
    sentence: str


Row = Mapping[str, Any]


def judge_profiles(
    profiles: pd.DataFrame, history: pd.DataFrame, limits: DriftLimits | None = None
) -> pd.DataFrame:
    """Add the drift of each profile against the earlier deliveries of its series.

    Parameters
    ----------
    profiles
        Profiles to judge (`PROFILE_COLUMNS` and whatever else).
    history
        Profiles already judged; may be empty.
    limits
        From which change on a person should look.

    Returns
    -------
    pandas.DataFrame
        ``profiles`` with `DRIFT_COLUMNS`: the gravest severity, the kinds, the largest score and a
        sentence; a delivery without predecessor has severity ``none``.
    """
    missing = [name for name in PROFILE_COLUMNS if name not in profiles.columns]
    if missing:
        raise ValueError(
            f"Profiles lack the column(s) {', '.join(missing)}; add them to the query."
        )
    chosen = limits or DriftLimits()
    known = list(PROFILE_COLUMNS)
    both = [*_records(history, known, is_new=False), *_records(profiles, known, is_new=True)]
    series: defaultdict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for record in both:
        names = ("source_system", "table_name", "column_name", "delivery_series")
        series[tuple(record[name] for name in names)].append(record)
    verdicts: dict[int, tuple[str, str, float, str]] = {}
    for rows in series.values():
        rows.sort(key=lambda row: (row["delivery"] or "", row["loaded_at"], row["source_file"]))
        for position, row in enumerate(rows):
            if row["is_new"]:
                earlier = rows[max(0, position - chosen.references) : position]
                verdicts[row["position"]] = _verdict(row, earlier, chosen)
    judged = [verdicts[position] for position in range(len(profiles))]
    drift = pd.DataFrame(judged, columns=list(DRIFT_COLUMNS), index=profiles.index)
    return pd.concat([profiles, drift.astype({"drift_score": float})], axis=1)


def _records(frame: pd.DataFrame, names: list[str], *, is_new: bool) -> list[dict[str, Any]]:
    if frame.empty:
        return []
    records = [
        {str(name): value for name, value in row.items()} for row in frame[names].to_dict("records")
    ]
    for position, record in enumerate(records):
        record.update(is_new=is_new, position=position)
        for name in ("quantiles", "common_values"):
            record[name] = json.loads(record[name]) if isinstance(record[name], str) else None
        for name in ("pattern", "undeclared_columns", "renamed_columns", "delivery"):
            record[name] = record[name] if isinstance(record[name], str) else None
    return records


def _verdict(row: Row, earlier: Sequence[Row], limits: DriftLimits) -> tuple[str, str, float, str]:
    if not earlier:
        return "none", "", 0.0, ""
    if row["column_name"] == TABLE_ROW:
        found = [*_new_columns(row, earlier), *_row_count(row, earlier, limits)]
    else:
        found = [
            *_null_share(row, earlier, limits),
            *_distribution(row, earlier, limits),
            *_pattern(row, earlier, limits),
            *_values(row, earlier, limits),
        ]
    if not found:
        return "none", "", 0.0, ""
    found.sort(key=lambda finding: -SEVERITIES.index(finding.severity))
    return (
        found[0].severity,
        ",".join(finding.kind for finding in found),
        max(finding.score for finding in found),
        " ".join(finding.sentence for finding in found),
    )


def _severity(value: float, notice: float, warning: float) -> str | None:
    return "warning" if value >= warning else "notice" if value >= notice else None


def _percent(share: float) -> str:
    return f"{share:.1%}".replace("%", " %")


def _names(row: Row, column: str) -> set[str]:
    return {name.strip() for name in row[column].split(",") if name.strip()}


def _new_columns(row: Row, earlier: Sequence[Row]) -> Iterator[Finding]:
    for column, severity, kind, sentence in (
        (
            "undeclared_columns",
            "warning",
            "new_columns",
            "The delivery has new columns that the contract does not declare ({names}); they are not "
            "loaded. Declare them, or name them as another name of a declared column.",
        ),
        (
            "renamed_columns",
            "notice",
            "renamed_columns",
            "Columns came under another of their declared names ({names}).",
        ),
    ):
        # Of a delivery that was passed over (an older snapshot) the columns are not known.
        known = [past for past in earlier if past[column] is not None]
        if row[column] is None or not known:
            continue
        before = {name for past in known for name in _names(past, column)}
        new = sorted(_names(row, column) - before)
        if new:
            yield Finding(severity, kind, float(len(new)), sentence.format(names=", ".join(new)))


def _row_count(row: Row, earlier: Sequence[Row], limits: DriftLimits) -> Iterator[Finding]:
    rates = [past["rows_per_day"] for past in earlier if past["rows_per_day"] > 0]
    rate = row["rows_per_day"]
    if len(rates) < limits.minimum_references:
        return
    low, high = min(rates), max(rates)
    factor = low / rate if 0 < rate < low else rate / high if rate > high else 1.0
    if rate <= 0:
        factor = low
    # Half a dozen rows more or less are no news in a small delivery.
    counted = abs(rate - (low if rate < low else high)) * row["rows"] / max(rate, 1e-9)
    severity = _severity(factor, limits.row_factor_notice, limits.row_factor_warning)
    if severity and counted >= 20:
        yield Finding(
            severity,
            "row_count",
            factor,
            f"{row['rows']:,.0f} rows are {factor:.1f} times {'fewer' if rate < low else 'more'} "
            f"than in any of the {len(rates)} deliveries before (per day of the delivery).",
        )


def _pooled(earlier: Sequence[Row], name: str) -> tuple[float, float]:
    """Return the mean of a share over the earlier deliveries by rows, and those rows."""
    rows = sum(past["rows"] for past in earlier)
    return (sum(past[name] * past["rows"] for past in earlier) / rows if rows else 0.0), rows


def _null_share(row: Row, earlier: Sequence[Row], limits: DriftLimits) -> Iterator[Finding]:
    before, rows_before = _pooled(earlier, "null_share")
    now = row["null_share"]
    change = abs(now - before)
    if z_of_shares(now, row["rows"], before, rows_before) < limits.minimum_z:
        return
    # A share that has always moved (a delta carries what changed) is judged by its own range.
    shares = [past["null_share"] for past in earlier]
    if len(shares) >= limits.minimum_references:
        change = min(change, max(min(shares) - now, now - max(shares), 0.0))
    severity = _severity(change, limits.null_share_notice, limits.null_share_warning)
    if severity is None:
        return
    kind, what = ("null_share", f"{_percent(now)} are empty")
    if now == 1.0:
        kind, what = "emptied", "no value at all came"
    yield Finding(severity, kind, change, f"{what.capitalize()}, before {_percent(before)} empty.")


def _largest_index(earlier: Sequence[Row]) -> float:
    """Return how far the earlier deliveries themselves have moved, each against those before it."""
    return max(
        (
            population_stability_index(
                row["quantiles"],
                [past["quantiles"] for past in earlier[:position]],
                [past["rows_sampled"] for past in earlier[:position]],
                row["rows_sampled"],
            )
            for position, row in enumerate(earlier)
            if position
        ),
        default=0.0,
    )


def _distribution(row: Row, earlier: Sequence[Row], limits: DriftLimits) -> Iterator[Finding]:
    comparable = [
        past for past in earlier if past["quantiles"] and past["rows"] >= limits.minimum_rows
    ]
    if (
        not row["is_distribution_compared"]
        or not row["quantiles"]
        or not comparable
        or min(row["rows_sampled"], row["rows"]) < limits.minimum_rows
    ):
        return
    index = population_stability_index(
        row["quantiles"],
        [past["quantiles"] for past in comparable],
        [past["rows_sampled"] for past in comparable],
        row["rows_sampled"],
    )
    severity = _severity(index, limits.psi_notice, limits.psi_warning)
    if severity and index > limits.more_than_ever * _largest_index(comparable):
        middle = len(row["quantiles"]) // 2
        before = float(np.median([past["quantiles"][middle] for past in comparable]))
        yield Finding(
            severity,
            "distribution",
            index,
            f"The values are distributed otherwise than before (stability index {index:.2f}; "
            f"median {row['quantiles'][middle]:.4g}, before {before:.4g}).",
        )


def _pattern(row: Row, earlier: Sequence[Row], limits: DriftLimits) -> Iterator[Finding]:
    weights: defaultdict[str, float] = defaultdict(float)
    rows_before = 0.0
    for past in earlier:
        if past["pattern"] is not None:
            weights[past["pattern"]] += past["pattern_share"] * past["rows"]
            rows_before += past["rows"]
    if row["pattern"] is None or not weights:
        return
    usual, weight = max(weights.items(), key=lambda item: item[1])
    share_before = weight / rows_before
    if share_before < limits.pattern_share:
        return
    # The profile names its leading pattern only: where another leads, the usual one has at most
    # the rest.
    now = row["pattern_share"]
    share_now = now if row["pattern"] == usual else min(1 - now, now)
    if z_of_shares(share_now, row["rows_sampled"], share_before, rows_before) < limits.minimum_z:
        return
    shift = abs(share_now - share_before)
    severity = _severity(shift, limits.pattern_shift_notice, limits.pattern_shift_warning)
    if severity:
        yield Finding(
            severity,
            "pattern",
            shift,
            f"The format changed: '{row['pattern']}' in {_percent(now)} of the values, before "
            f"'{usual}' in {_percent(share_before)} (9 stands for a digit, A for letters).",
        )


def _pooled_values(earlier: Sequence[Row]) -> dict[str, float]:
    rows = sum(past["rows_sampled"] for past in earlier)
    pooled: defaultdict[str, float] = defaultdict(float)
    for past in earlier:
        for value, share in past["common_values"].items():
            pooled[value] += share * past["rows_sampled"] / rows
    return pooled


def _values(row: Row, earlier: Sequence[Row], limits: DriftLimits) -> Iterator[Finding]:
    comparable = [past for past in earlier if past["common_values"] and past["rows_sampled"]]
    if not row["common_values"] or len(comparable) < limits.minimum_references:
        return
    rows = sum(past["rows_sampled"] for past in comparable)
    if min(rows, row["rows_sampled"]) < limits.minimum_rows:
        return
    reference = _pooled_values(comparable)
    largest = max(len(past["common_values"]) for past in comparable)
    if len(reference) > limits.vocabulary_growth * largest:
        return
    change, new = share_shift(row["common_values"], reference)
    new_share = sum(row["common_values"][value] for value in new)
    usual = max(share_shift(past["common_values"], reference)[0] for past in comparable)
    if new_share >= limits.new_value_share:
        yield Finding(
            "warning",
            "new_values",
            new_share,
            f"{_percent(new_share)} carry a value that no delivery before had "
            f"({', '.join(new[:5])}).",
        )
    elif change >= limits.values_shift_warning and change > limits.more_than_ever * usual:
        yield Finding(
            "warning",
            "distribution",
            change,
            f"{_percent(change)} of the rows carry another value than the mix before would give.",
        )
