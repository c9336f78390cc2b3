"""Pairwise and B-cubed scores against published and hand-worked examples, and their laws."""

import itertools
from collections.abc import Sequence

import duckdb
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.identity.evaluation import (
    ClusterEvaluation,
    ClusterSize,
    EvaluationError,
    Scores,
    evaluate_clusters,
)

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25)


def evaluated(truth: Sequence[object], predicted: Sequence[object]) -> ClusterEvaluation:
    with duckdb.connect() as connection:
        connection.register(
            "labelled",
            pd.DataFrame({"record_id": range(len(truth)), "truth": truth, "predicted": predicted}),
        )
        return evaluate_clusters(connection, "labelled")


class TestPublishedExample:
    """Bagga and Baldwin (1998), figures 1 to 3: 12 mentions of three entities, a response each.

    Linking a small and a large entity by mistake costs less than linking two large ones; pairwise
    and B-cubed scores say so, a count of wrong links does not.
    """

    TRUTH = "1111122 33333".replace(" ", "")

    def test_large_and_small_entity_merged(self) -> None:
        result = evaluated(list(self.TRUTH), list("aaaaabbbbbbb"))
        assert result.b_cubed.precision == pytest.approx((5 + 4 / 7 + 25 / 7) / 12)
        assert round(result.b_cubed.precision, 2) == 0.76
        assert result.b_cubed.recall == 1.0
        # 10 + 1 + 10 true pairs; 10 + 21 predicted
        assert result.pairwise == Scores(precision=21 / 31, recall=1.0)

    def test_two_large_entities_merged(self) -> None:
        result = evaluated(list(self.TRUTH), list("aaaaabbaaaaa"))
        assert round(result.b_cubed.precision, 2) == 0.58
        assert result.b_cubed.recall == 1.0
        assert result.pairwise.precision == pytest.approx(21 / 46)


def test_hand_worked_split_and_merge() -> None:
    # true {a b c} {d e} {f}; predicted {a b} {c d} {e} {f}
    result = evaluated(["x", "x", "x", "y", "y", "z"], [1, 1, 2, 2, 3, 4])
    assert (result.true_pairs, result.predicted_pairs, result.shared_pairs) == (4, 2, 1)
    assert result.pairwise == Scores(precision=0.5, recall=0.25)
    assert result.pairwise.f1 == pytest.approx(1 / 3)
    # precision 1 1 ½ ½ 1 1; recall ⅔ ⅔ ⅓ ½ ½ 1
    assert result.b_cubed.precision == pytest.approx(5 / 6)
    assert result.b_cubed.recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 2 + 1 / 2 + 1) / 6)
    assert result.exact_clusters == 1
    assert (result.true_clusters, result.predicted_clusters) == (3, 4)
    assert result.sizes == (ClusterSize(1, 1, 2), ClusterSize(2, 1, 2), ClusterSize(3, 1, 0))
    assert result.largest_predicted_cluster == 2


def test_nothing_put_together_and_nothing_to_put_together() -> None:
    assert evaluated([1, 2, 3], [1, 2, 3]).pairwise == Scores(1.0, 1.0)
    assert evaluated([1, 1, 2], [1, 2, 3]).pairwise == Scores(precision=1.0, recall=0.0)
    assert evaluated([1, 1, 2], [1, 2, 3]).pairwise.f1 == 0.0
    assert evaluated([1, 2, 3], [1, 1, 1]).pairwise == Scores(precision=0.0, recall=1.0)


def test_no_records() -> None:
    result = evaluated([], [])
    assert result.records == result.largest_predicted_cluster == 0
    assert result.pairwise == result.b_cubed == Scores(1.0, 1.0)


def test_pairs_of_a_giant_cluster_are_counted_not_listed() -> None:
    with duckdb.connect(config={"memory_limit": "500MB"}) as connection:
        connection.execute(
            "create table labelled as "
            "select range as record_id, range // 2 as truth, 1 as predicted from range(2000000)"
        )
        result = evaluate_clusters(connection, "labelled")
    assert result.predicted_pairs == 2_000_000 * 1_999_999 // 2
    assert result.shared_pairs == result.true_pairs == 1_000_000
    assert result.b_cubed.precision == pytest.approx(1e-6)


@given(LABELS)
@settings(max_examples=60, deadline=None)
def test_equals_counting_every_pair_and_record(labels: list[tuple[int, int]]) -> None:
    result = evaluated(*zip(*labels, strict=True))
    pairs = list(itertools.combinations(labels, 2))
    in_truth = [pair[0][0] == pair[1][0] for pair in pairs]
    in_prediction = [pair[0][1] == pair[1][1] for pair in pairs]
    both = sum(map(min, zip(in_truth, in_prediction, strict=True)))
    assert (result.true_pairs, result.predicted_pairs) == (sum(in_truth), sum(in_prediction))
    assert result.shared_pairs == both
    precisions, recalls = [], []
    for truth, predicted in labels:
        mates = [other for other in labels if other[1] == predicted]
        entity = [other for other in labels if other[0] == truth]
        shared = sum(other[0] == truth for other in mates)
        precisions.append(shared / len(mates))
        recalls.append(shared / len(entity))
    assert result.b_cubed.precision == pytest.approx(sum(precisions) / len(labels))
    assert result.b_cubed.recall == pytest.approx(sum(recalls) / len(labels))


@given(LABELS, st.randoms(use_true_random=False))
@settings(max_examples=40, deadline=None)
def test_order_and_names_of_clusters_do_not_matter(labels, random) -> None:  # type: ignore[no-untyped-def]
    result = evaluated(*zip(*labels, strict=True))
    shuffled = random.sample(labels, len(labels))
    renamed = evaluated(
        [f"entity {truth}" for truth, _ in shuffled], [-predicted for _, predicted in shuffled]
    )
    assert renamed.pairwise == result.pairwise
    assert renamed.sizes == result.sizes
    assert renamed.exact_clusters == result.exact_clusters
    assert renamed.b_cubed.f1 == pytest.approx(result.b_cubed.f1)


@given(LABELS)
@settings(max_examples=40, deadline=None)
def test_swapping_truth_and_prediction_swaps_precision_and_recall(
    labels: list[tuple[int, int]],
) -> None:
    truth, predicted = zip(*labels, strict=True)
    forth, back = evaluated(truth, predicted), evaluated(predicted, truth)
    assert forth.pairwise == Scores(back.pairwise.recall, back.pairwise.precision)
    assert forth.b_cubed.precision == pytest.approx(back.b_cubed.recall)
    assert evaluated(truth, truth).exact_clusters == forth.true_clusters


class TestWhatCannotBeEvaluated:
    def test_missing_column_is_named(self) -> None:
        with duckdb.connect() as connection:
            connection.execute("create table found (record_id int, truth int)")
            with pytest.raises(EvaluationError, match=r"found lacks the column\(s\) predicted"):
                evaluate_clusters(connection, "found")

    def test_null_label(self) -> None:
        with pytest.raises(EvaluationError, match=r"1 row\(s\) have no truth"):
            evaluated(["a", None, "b"], [1, 1, 2])

    def test_repeated_record(self) -> None:
        with duckdb.connect() as connection:
            connection.execute(
                'create schema odd; create table odd."my records" as '
                'select 7 as "id", 1 as truth, 2 as predicted from range(3)'
            )
            with pytest.raises(EvaluationError, match=r"2 row\(s\) repeat a id"):
                evaluate_clusters(connection, "odd.my records", record="id")
