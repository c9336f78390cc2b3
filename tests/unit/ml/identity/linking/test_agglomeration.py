"""How a connected part is divided: hand-made parts whose right division is plain to see."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.identity.linking.agglomeration import (
    DECIDED_WEIGHT,
    Evidence,
    Priors,
    agglomerate,
    bounded_parts,
    components,
)

# fields: a name (one a person) and a telephone (several a person)
PRIORS = Priors(-10.0, -500.0, np.array([False, True]))
MISSING = None


def evidence_of(pairs: dict[tuple[int, int], tuple[float | None, float | None]], decided=None):
    left, right = zip(*pairs, strict=True)
    person = [[0.0 if weight is None else weight for weight in said] for said in pairs.values()]
    filled = [[weight is not None for weight in said] for said in pairs.values()]
    return Evidence(
        np.array(left),
        np.array(right),
        np.array(person),
        np.zeros((len(pairs), 2)),
        np.array(filled),
        np.array([(decided or {}).get(pair, 0.0) for pair in pairs]),
    )


def test_one_wrong_link_does_not_join_two_people() -> None:
    # 0-1 and 2-3 are two people; 2 has no name, and a telephone that 1 has as well
    pairs = {(0, 1): (14, 12), (2, 3): (MISSING, 21), (1, 2): (MISSING, 19), (0, 2): (MISSING, -5),
             (0, 3): (-12, -5), (1, 3): (-12, -5)}  # fmt: skip
    assert agglomerate(4, evidence_of(pairs), PRIORS) == [0, 0, 2, 2]


def test_a_chain_that_nothing_speaks_against_is_one_person() -> None:
    pairs = {(0, 1): (14, MISSING), (1, 2): (MISSING, 14), (0, 2): (MISSING, MISSING)}
    assert agglomerate(3, evidence_of(pairs), PRIORS) == [0, 0, 0]


def test_who_shares_one_of_two_telephones_shares_a_telephone() -> None:
    # 0 and 1 are one person with two telephones; record 2 has nothing but the second
    pairs = {(0, 1): (16, -5), (1, 2): (MISSING, 13), (0, 2): (MISSING, -5)}
    assert agglomerate(3, evidence_of(pairs), PRIORS) == [0, 0, 0]


def test_another_name_is_a_conflict_however_many_telephones() -> None:
    pairs = {(0, 1): (16, -5), (1, 2): (-12, 13), (0, 2): (-12, -5)}
    assert agglomerate(3, evidence_of(pairs), PRIORS) == [0, 0, 2]


def test_a_household_explains_what_is_shared_as_well() -> None:
    alike = {(0, 1): (2.0, 14.0)}
    found = evidence_of(alike)
    shared = Evidence(
        found.left, found.right, found.person, np.array([[0.0, 14.0]]), found.filled, found.decided
    )
    assert agglomerate(2, shared, Priors(-10.0, -500.0, PRIORS.is_multiple)) == [0, 0]
    assert agglomerate(2, shared, Priors(-10.0, -6.0, PRIORS.is_multiple)) == [0, 1]


@pytest.mark.parametrize(
    ("decided", "groups"), [(-DECIDED_WEIGHT, [0, 1]), (DECIDED_WEIGHT, [0, 0])]
)
def test_a_steward_decides(decided: float, groups: list[int]) -> None:
    for said in ((20.0, 20.0), (-20.0, -20.0)):
        pairs = {(0, 1): said}
        assert agglomerate(2, evidence_of(pairs, {(0, 1): decided}), PRIORS) == groups


def test_records_that_were_never_compared_are_not_joined() -> None:
    assert agglomerate(3, evidence_of({(0, 1): (14, 14)}), PRIORS) == [0, 0, 2]


weights = st.floats(-15, 20).map(lambda weight: round(weight, 3))


@st.composite
def parts(draw: st.DrawFn) -> tuple[int, dict[tuple[int, int], tuple[float, float]]]:
    size = draw(st.integers(2, 7))
    pairs = {
        (a, b): (draw(weights), draw(weights)) for a in range(size) for b in range(a + 1, size)
    }
    return size, pairs


@given(parts(), st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_the_order_of_the_records_does_not_matter(part, random) -> None:
    size, pairs = part
    if len({sum(said) for said in pairs.values()}) < len(pairs):
        return  # equal weights may be joined in either order
    order = list(range(size))
    random.shuffle(order)
    turned = {tuple(sorted((order[a], order[b]))): said for (a, b), said in pairs.items()}
    groups = agglomerate(size, evidence_of(pairs), PRIORS)
    other = agglomerate(size, evidence_of(turned), PRIORS)
    for a, b in pairs:
        assert (groups[a] == groups[b]) == (other[order[a]] == other[order[b]])


@given(parts())
@settings(max_examples=60, deadline=None)
def test_never_is_never(part) -> None:
    size, pairs = part
    pair = (0, size - 1)
    groups = agglomerate(size, evidence_of(pairs, {pair: -DECIDED_WEIGHT}), PRIORS)
    assert groups[0] != groups[size - 1]


def test_components_are_numbered_by_connection() -> None:
    part = components(5, np.array([0, 3], dtype=np.int32), np.array([1, 4], dtype=np.int32))
    assert part[0] == part[1] and part[3] == part[4] and len(set(part)) == 3


def test_a_part_that_is_too_large_is_cut_at_its_weakest_link() -> None:
    left, right = np.array([0, 1, 2]), np.array([1, 2, 3])
    assert bounded_parts(4, left, right, np.array([9.0, 1.0, 8.0]), 2).tolist() == [0, 0, 2, 2]
    assert bounded_parts(4, left, right, np.array([9.0, 1.0, 8.0]), 4).tolist() == [0, 0, 0, 0]
