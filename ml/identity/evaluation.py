"""How good clusters of records are, against known truth: pairwise and B-cubed scores, sizes.

Belongs here: counting and dividing, on a relation with two labels a record. Does not: making the
clusters, sampling wrong pairs, or any threshold.

Nothing is counted pair by pair: all scores come from the contingency table of the two labels (how many
records each true and predicted cluster share), so that a cluster of a million records costs one row.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb


class EvaluationError(ValueError):
    """The relation can't be evaluated; the sentence says why and what to do."""


@dataclass(frozen=True)
class Scores:
    """Precision and recall, shares from 0 to 1.

    Attributes
    ----------
    precision : float
        Share of what was put together that belongs together; 1 when nothing was put together.
    recall : float
        Share of what belongs together that was put together; 1 when nothing belongs together.
    """

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 when both are."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True)
class ClusterSize:
    """How many clusters of a size there are.

    Attributes
    ----------
    records : int
        Records in each of them.
    true_clusters : int
        Clusters of this size in the truth.
    predicted_clusters : int
        Clusters of this size that were predicted.
    """

    records: int
    true_clusters: int
    predicted_clusters: int


@dataclass(frozen=True)
class ClusterEvaluation:
    """What a clustering is worth.

    Attributes
    ----------
    records : int
        Records evaluated.
    true_clusters, predicted_clusters : int
        Clusters in the truth and predicted, single records included.
    exact_clusters : int
        Predicted clusters that hold all records of one true cluster and no others.
    true_pairs, predicted_pairs, shared_pairs : int
        Pairs of records in one true cluster, in one predicted cluster, in both.
    pairwise : Scores
        Each pair counts once: a large cluster weighs with the square of its size.
    b_cubed : Scores
        Each record counts once (Bagga and Baldwin 1998): mean over records of the share of its
        predicted cluster that is the same entity, and of its entity that is in its cluster.
    sizes : tuple of ClusterSize
        Sizes that occur, smallest first.
    """

    records: int
    true_clusters: int
    predicted_clusters: int
    exact_clusters: int
    true_pairs: int
    predicted_pairs: int
    shared_pairs: int
    pairwise: Scores
    b_cubed: Scores
    sizes: tuple[ClusterSize, ...]

    @property
    def largest_predicted_cluster(self) -> int:
        """Records in the largest predicted cluster; 0 without records."""
        return max((size.records for size in self.sizes if size.predicted_clusters), default=0)


def evaluate_clusters(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    *,
    record: str = "record_id",
    truth: str = "truth",
    predicted: str = "predicted",
) -> ClusterEvaluation:
    """Compare predicted clusters with true ones.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        Where the relation is; nothing is left behind in it.
    relation : str
        Name of a table or view with one row a record.
    record, truth, predicted : str
        Its columns: the record, its true cluster and its predicted one, of any types.

    Returns
    -------
    ClusterEvaluation
        Counts and shares.

    Raises
    ------
    EvaluationError
        When a column is missing, a record occurs twice, or a value is null.

    References
    ----------
    Bagga, A. and Baldwin, B. (1998). Algorithms for scoring coreference chains. LREC, 563-566.
    """
    source = _checked_source(connection, relation, (record, truth, predicted))
    cells = f"""
        cells as (
            select
                {_quoted(truth)} as true_cluster,
                {_quoted(predicted)} as predicted_cluster,
                count(*) as records,
            from {source}
            group by all
        ),
        true_sizes as (
            select true_cluster, sum(records)::bigint as records from cells group by all
        ),
        predicted_sizes as (
            select predicted_cluster, sum(records)::bigint as records from cells group by all
        )"""
    counts = connection.execute(f"""
        with {cells},
        matched as (
            select
                cells.records as shared,
                true_sizes.records as in_truth,
                predicted_sizes.records as in_prediction,
            from cells
            inner join true_sizes using (true_cluster)
            inner join predicted_sizes using (predicted_cluster)
        )
        select
            coalesce(sum(shared), 0)::bigint,
            (select count(*) from true_sizes),
            (select count(*) from predicted_sizes),
            count(*) filter (shared = in_truth and shared = in_prediction),
            (select coalesce(sum(records * (records - 1) // 2), 0) from true_sizes),
            (select coalesce(sum(records * (records - 1) // 2), 0) from predicted_sizes),
            coalesce(sum(shared * (shared - 1) // 2), 0),
            coalesce(sum(shared * shared / in_prediction) / sum(shared), 1),
            coalesce(sum(shared * shared / in_truth) / sum(shared), 1),
        from matched""").fetchall()[0]
    sizes = connection.execute(f"""
        with {cells}
        select records, sum(is_true)::bigint, sum(1 - is_true)::bigint
        from (
            select records, 1 as is_true from true_sizes
            union all
            select records, 0 as is_true from predicted_sizes
        )
        group by records
        order by records""").fetchall()
    true_pairs, predicted_pairs, shared_pairs = (int(count) for count in counts[4:7])
    return ClusterEvaluation(
        records=counts[0],
        true_clusters=counts[1],
        predicted_clusters=counts[2],
        exact_clusters=counts[3],
        true_pairs=true_pairs,
        predicted_pairs=predicted_pairs,
        shared_pairs=shared_pairs,
        pairwise=Scores(
            precision=_share(shared_pairs, predicted_pairs),
            recall=_share(shared_pairs, true_pairs),
        ),
        # a sum of shares may pass 1 by a rounding
        b_cubed=Scores(precision=min(counts[7], 1.0), recall=min(counts[8], 1.0)),
        sizes=tuple(ClusterSize(*row) for row in sizes),
    )


def _share(part: int, whole: int) -> float:
    """Return the part of the whole; of nothing, all is right."""
    return part / whole if whole else 1.0


def _checked_source(
    connection: duckdb.DuckDBPyConnection, relation: str, columns: tuple[str, str, str]
) -> str:
    """Return the relation for a from clause, or say what is wrong with it."""
    source = ".".join(_quoted(part) for part in relation.split("."))
    present = {row[0] for row in connection.execute(f"describe {source}").fetchall()}
    missing = [column for column in columns if column not in present]
    if missing:
        raise EvaluationError(
            f"{relation} lacks the column(s) {', '.join(missing)}; it has {', '.join(sorted(present))}."
        )
    record = _quoted(columns[0])
    nulls = connection.execute(
        f"select {', '.join(f'count(*) filter ({_quoted(name)} is null)' for name in columns)} from {source}"
    ).fetchall()[0]
    for column, count in zip(columns, nulls, strict=True):
        if count:
            raise EvaluationError(
                f"{relation}: {count:,} row(s) have no {column}. Leave records without a label out."
            )
    ((repeated,),) = connection.execute(
        f"select count(*) - count(distinct {record}) from {source}"
    ).fetchall()
    if repeated:
        raise EvaluationError(
            f"{relation}: {repeated:,} row(s) repeat a {columns[0]}. Pass one row a record."
        )
    return source


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
