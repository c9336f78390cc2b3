"""Known truth: patterns drawn from given probabilities, which training must find again."""

from __future__ import annotations

import numpy as np
import pytest

from ml.identity.linking.comparisons import ELSE, FieldComparison, Level
from ml.identity.linking.training import ExactAgreement, Patterns, estimate, fewest_keys

M = {"name": [0.85, 0.1, 0.05], "birth": [0.9, 0.06, 0.04], "phone": [0.8, 0.05, 0.15],
     "street": [0.75, 0.1, 0.15]}  # fmt: skip
U = {"name": [0.01, 0.02, 0.97], "birth": [0.001, 0.01, 0.989], "phone": [0.0005, 0.0005, 0.999],
     "street": [0.0005, 0.001, 0.9985]}  # fmt: skip
SHARED = ("phone", "street")
KEYS = [frozenset({"name"}), frozenset({"birth"}), frozenset({"phone"}), frozenset({"street"})]
MATCH_SHARE, HOUSEHOLD_SHARE = 2e-4, 3e-4
PAIRS = 5_000_000


def comparisons() -> list[FieldComparison]:
    return [
        FieldComparison(
            name,
            "",
            (Level("same", "a"), Level("similar", "b"), Level("other", ELSE)),
            frozenset({name}),
            is_of_household=name in SHARED,
        )
        for name in M
    ]


def household(name: str) -> list[float]:
    return M[name] if name in SHARED else U[name]


@pytest.fixture(scope="module")
def drawn() -> tuple[Patterns, Patterns]:
    """Pairs of the three kinds: those that a key finds, and a sample of all."""
    generator = np.random.default_rng(11)
    levels, counts = [], []
    for share, table in ((MATCH_SHARE, M.get), (HOUSEHOLD_SHARE, household), (1.0, U.get)):
        count = int(PAIRS * share)
        levels.append(np.column_stack([generator.choice(3, count, p=table(name)) for name in M]))
        counts.append(count)
    every = np.concatenate(levels)
    masks = sum((every[:, number] == 0).astype(np.int64) << number for number in range(4))
    found = masks > 0

    def patterns(rows: np.ndarray, masks: np.ndarray) -> Patterns:
        unique, pairs = np.unique(np.column_stack([masks, rows]), axis=0, return_counts=True)
        return Patterns(unique[:, 1:], unique[:, 0], pairs.astype(float))

    sample = every[generator.integers(0, len(every), 500_000)]
    return patterns(every[found], masks[found]), patterns(sample, np.zeros(len(sample), np.int64))


@pytest.fixture(scope="module")
def estimated(drawn):
    candidates, chance = drawn
    return estimate(comparisons(), KEYS, candidates, 1.0, chance, PAIRS, {})


@pytest.mark.parametrize("name", list(M))
def test_the_probabilities_of_matches_are_found(estimated, name: str) -> None:
    assert estimated.m[name] == pytest.approx(M[name], abs=0.05)


@pytest.mark.parametrize("name", list(M))
def test_the_probabilities_of_strangers_are_found(estimated, name: str) -> None:
    assert estimated.u[name][2] == pytest.approx(U[name][2], abs=0.003)


def test_how_many_pairs_are_one_person_is_found(estimated) -> None:
    assert estimated.match_share == pytest.approx(MATCH_SHARE, rel=0.1)


def test_how_many_pairs_are_of_a_household_is_found(estimated) -> None:
    assert estimated.household_share == pytest.approx(HOUSEHOLD_SHARE, rel=0.25)


def test_the_members_of_a_household_share_its_telephone_and_not_their_names(estimated) -> None:
    assert estimated.h["phone"][0] > 0.6
    assert estimated.h["name"][0] < 0.1


def test_without_households_nothing_is_put_down_to_them(drawn) -> None:
    candidates, chance = drawn
    alone = [FieldComparison(item.name, "", item.levels, item.features) for item in comparisons()]
    found = estimate(alone, KEYS, candidates, 1.0, chance, PAIRS, {})
    assert found.household_share < 1e-9


def test_matches_are_not_counted_as_chance_agreements(drawn) -> None:
    # all who share a value are one person: chance hardly makes two strangers share it
    candidates, chance = drawn
    agreeing = 0.8 * MATCH_SHARE * PAIRS
    found = estimate(
        comparisons(), KEYS, candidates, 1.0, chance, PAIRS,
        {"phone": ExactAgreement(agreeing, PAIRS, is_identifier=True)},
    )  # fmt: skip
    assert found.u["phone"][0] == pytest.approx(0.02 * agreeing / PAIRS, rel=1e-6)


def test_the_fewest_keys_find_nearly_all_matches(estimated, drawn) -> None:
    candidates, _ = drawn
    taken = fewest_keys(estimated, comparisons(), candidates, range(4), most_missed=0.2)
    assert 1 <= len(taken) < 4
    assert fewest_keys(estimated, comparisons(), candidates, range(4), most_missed=0.2) == taken
    assert set(fewest_keys(estimated, comparisons(), candidates, [2], most_missed=0.0)) == {2}
