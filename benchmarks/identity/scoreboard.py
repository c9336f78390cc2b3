"""Scores of both sides as a table for people and as JSON for machines.

Belongs here: joining clusters with the truth, ratios, wording. Does not: what a score is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.identity.worker import Outcome
from ml.identity.evaluation import ClusterEvaluation, evaluate_clusters

# Sizes of clusters that the table shows one by one; larger ones are put together.
_LISTED_SIZES = 6


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes
    ----------
    title : str
        Whose clusters.
    evaluation : ClusterEvaluation
        What they are worth.
    seconds, cpu_seconds, peak_bytes, pairs
        Of the process; None where the clusters were picked afterwards or for households.
    """

    title: str
    evaluation: ClusterEvaluation
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    pairs: int | None = None


def score(clusters: str, truth: Path, *, predicted: str, label: str) -> ClusterEvaluation:
    """Return what the clusters of a file are worth on the records that have the label."""
    with duckdb.connect() as connection:
        connection.execute(
            f"""create view scored as
            select truth.record_id, truth.{label} as truth, clusters.{predicted} as predicted
            from '{truth}' as truth
            left join '{clusters}' as clusters using (record_id)
            where truth.{label} is not null"""
        )
        return evaluate_clusters(connection, "scored")


def our_columns(outcome: Outcome, truth: Path, *, has_households: bool) -> list[Column]:
    """Return our persons and, where their truth is known, our households."""
    chosen = outcome.clusters["chosen"]
    columns = [
        Column(
            "ours",
            score(chosen, truth, predicted="predicted", label="truth"),
            outcome.seconds,
            outcome.cpu_seconds,
            outcome.peak_bytes,
            outcome.pairs,
        )
    ]
    if has_households:
        found = score(chosen, truth, predicted="household", label="household_truth")
        columns.append(Column("our households", found))
    return columns


def splink_columns(outcome: Outcome, truth: Path) -> list[Column]:
    """Return bare Splink at its default threshold, and at the one that the truth shows to be best."""
    scores = {
        name: score(path, truth, predicted="predicted", label="truth")
        for name, path in outcome.clusters.items()
    }
    default = scores.pop("chosen")
    weight = max(scores, key=lambda name: scores[name].pairwise.f1)
    return [
        Column(
            "bare Splink",
            default,
            outcome.seconds,
            outcome.cpu_seconds,
            outcome.peak_bytes,
            outcome.pairs,
        ),
        Column(f"picked ({float(weight):g})", scores[weight]),
    ]


def as_table(columns: list[Column]) -> str:
    """Return the table, its columns side by side, and the ratios where both sides ran."""
    rows: list[tuple[str, list[str]]] = [("", [column.title for column in columns])]

    def add(title: str, values: list[str]) -> None:
        rows.append((title, values))

    evaluations = [column.evaluation for column in columns]
    for kind in ("pairwise", "b_cubed"):
        title = {"pairwise": "pairwise", "b_cubed": "B-cubed"}[kind]
        for part, name in (("precision", "precision"), ("recall", "recall"), ("f1", "F1")):
            values = [f"{getattr(getattr(found, kind), part):.4f}" for found in evaluations]
            add(f"{title} {name}", values)
    add("clusters", [f"{found.predicted_clusters:,}" for found in evaluations])
    add("  in the truth", [f"{found.true_clusters:,}" for found in evaluations])
    add("  exactly right", [f"{found.exact_clusters:,}" for found in evaluations])
    add("largest cluster", [f"{found.largest_predicted_cluster:,}" for found in evaluations])
    for size in range(1, _LISTED_SIZES):
        add(f"  of {size} record(s)", [_clusters_of(found, size, size) for found in evaluations])
    add(
        f"  of {_LISTED_SIZES} and more",
        [_clusters_of(found, _LISTED_SIZES) for found in evaluations],
    )
    add("pairs scored", [_or_blank(column.pairs, "{:,}") for column in columns])
    add("time, s", [_or_blank(column.seconds, "{:.1f}") for column in columns])
    add("time of all threads", [_or_blank(column.cpu_seconds, "{:.1f}") for column in columns])
    mebibytes = [column.peak_bytes and column.peak_bytes / 2**20 for column in columns]
    add("peak memory, MiB", [_or_blank(value, "{:,.0f}") for value in mebibytes])
    widths = [max(len(values[place]) for _, values in rows) for place in range(len(columns))]
    lines = [
        f"{title:<20}"
        + "".join(f"  {value:>{width}}" for value, width in zip(values, widths, strict=True))
        for title, values in rows
    ]
    return "\n".join([*lines, *_ratio_lines(columns)])


def ratios(columns: list[Column]) -> dict[str, float]:
    """Return ours against bare Splink: time and memory as ratios, F1 as a difference."""
    ours = next((column for column in columns if column.title == "ours"), None)
    bare = next((column for column in columns if column.title == "bare Splink"), None)
    if not (
        ours and bare and ours.seconds and bare.seconds and ours.peak_bytes and bare.peak_bytes
    ):
        return {}
    found = {
        "time": ours.seconds / bare.seconds,
        "cpu_time": (ours.cpu_seconds or 0.0) / (bare.cpu_seconds or 1.0),
        "peak_memory": ours.peak_bytes / bare.peak_bytes,
        "pairwise_f1_more": ours.evaluation.pairwise.f1 - bare.evaluation.pairwise.f1,
        "b_cubed_f1_more": ours.evaluation.b_cubed.f1 - bare.evaluation.b_cubed.f1,
    }
    picked = next((column for column in columns if column.title.startswith("picked")), None)
    if picked:
        found["pairwise_f1_more_than_picked"] = (
            ours.evaluation.pairwise.f1 - picked.evaluation.pairwise.f1
        )
    return found


def as_json(columns: list[Column]) -> dict[str, Any]:
    """Return all that the table shows, and the whole distribution of sizes."""
    sides = {}
    for column in columns:
        found = asdict(column.evaluation)
        for kind in ("pairwise", "b_cubed"):
            found[kind]["f1"] = getattr(column.evaluation, kind).f1
        found["largest_predicted_cluster"] = column.evaluation.largest_predicted_cluster
        sides[column.title] = found | {
            "seconds": column.seconds,
            "cpu_seconds": column.cpu_seconds,
            "peak_bytes": column.peak_bytes,
            "pairs_scored": column.pairs,
        }
    return {"sides": sides, "ours_to_bare_splink": ratios(columns)}


def _ratio_lines(columns: list[Column]) -> list[str]:
    found = ratios(columns)
    if not found:
        return []
    line = (
        f"ours / bare Splink: time {found['time']:.2f} (of all threads {found['cpu_time']:.2f}), "
        f"peak memory {found['peak_memory']:.2f}; pairwise F1 {found['pairwise_f1_more']:+.4f}, "
        f"B-cubed F1 {found['b_cubed_f1_more']:+.4f}"
    )
    return [
        "",
        line,
        f"ours - Splink with the threshold picked by the truth: pairwise F1 "
        f"{found['pairwise_f1_more_than_picked']:+.4f}",
    ]


def _clusters_of(found: ClusterEvaluation, least: int, most: int | None = None) -> str:
    clusters = sum(
        size.predicted_clusters
        for size in found.sizes
        if size.records >= least and (most is None or size.records <= most)
    )
    return f"{clusters:,}"


def _or_blank(value: float | None, pattern: str) -> str:
    return "" if value is None else pattern.format(value)
