"""What each level of agreement is worth, learnt from the records themselves, without labels.

Belongs here: the mixture model and its estimation from counted patterns. Does not: counting them
(`patterns`) or scoring pairs (`scoring`).

Pairs are of three kinds: of one person (M), of two people of a household (H), and of strangers (U). For
each field and kind the model has the probability of every level (Fellegi & Sunter 1969, with a third
class). H shares with M what a household shares and is like U in what tells people apart; without it,
family members at one address with one telephone look like one person.

u comes from random pairs, less the matches among them; m and h by expectation maximisation (Dempster,
Laird & Rubin 1977; Winkler 1988) over the candidate pairs of each key, where the fields that the key is
made of say nothing and are left out. A field is thus learnt from the pairs that other keys found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.identity.linking.comparisons import FieldComparison

Vector = NDArray[np.float64]
MAX_ITERATIONS = 60
CONVERGENCE = 1e-4
# As if so many pairs with the starting values had been seen: levels that hardly occur stay sensible.
PRIOR_PAIRS = 20.0
LEAST_PROBABILITY = 1e-9
# Of the pairs that share a value at least so many are strangers.
LEAST_CHANCE_SHARE = 0.02
# Two people of a household have the same given name (father and son) or gender this often beyond chance.
NAMESAKE_SHARE = 0.03


@dataclass(frozen=True)
class Patterns:
    """Counted patterns of agreement.

    Attributes
    ----------
    levels : array of int, shape (patterns, comparisons)
        Index of the level, 0 the most alike; -1 where a side is missing.
    key_masks : array of int, shape (patterns,)
        Bit i is set where key i found the pairs.
    pairs : array of float, shape (patterns,)
        How many pairs have the pattern.
    """

    levels: NDArray[np.int64]
    key_masks: NDArray[np.int64]
    pairs: Vector


@dataclass(frozen=True)
class ExactAgreement:
    """How many pairs of records agree exactly in a field, matches among them.

    Attributes
    ----------
    agreeing_pairs : float
        Pairs of records with the same value.
    filled_pairs : float
        Pairs of records that both have a value.
    is_identifier : bool
        Whether the value was given to one person only, so that strangers hardly share it.
    """

    agreeing_pairs: float
    filled_pairs: float
    is_identifier: bool


@dataclass(frozen=True)
class LinkingParameters:
    """Probabilities of every level of every comparison.

    Attributes
    ----------
    m, h, u : dict of str to list of float
        Comparison to the probability of each level among pairs of a person, of a household, of strangers.
    match_share, household_share : float
        Share of all possible pairs of records that are of one person, of two people of a household.
    """

    m: dict[str, list[float]]
    h: dict[str, list[float]]
    u: dict[str, list[float]]
    match_share: float
    household_share: float


def _starting_m(levels: int, nearest: float = 0.8, other: float = 0.06) -> Vector:
    """Return falling probabilities: mostly the first level, some in between, few at the last."""
    if levels == 2:
        return np.array([1 - other, other])
    between = np.array([0.55**i for i in range(levels - 2)])
    return np.concatenate([[nearest], (1 - nearest - other) * between / between.sum(), [other]])


def _normal(counts: Vector) -> Vector:
    floored: Vector = np.maximum(counts, LEAST_PROBABILITY)
    return np.asarray(floored / floored.sum())


def _log_likelihood(levels: NDArray[np.int64], tables: Sequence[Vector]) -> Vector:
    """Return the log likelihood of each pattern and comparison, 0 where it is missing."""
    result = np.zeros(levels.shape)
    for column, table in enumerate(tables):
        # the last entry is read by the index -1
        result[:, column] = np.append(np.log(table), 0.0)[levels[:, column]]
    return result


def _responsibilities(logs: Sequence[Vector]) -> list[Vector]:
    stacked = np.vstack(logs)
    stacked = np.exp(stacked - stacked.max(axis=0))
    stacked /= stacked.sum(axis=0)
    return list(stacked)


def _count(levels: NDArray[np.int64], weights: Vector, size: int) -> Vector:
    filled = levels >= 0
    return np.bincount(levels[filled], weights=weights[filled], minlength=size).astype(float)


def estimate(
    comparisons: Sequence[FieldComparison],
    key_fields: Sequence[frozenset[str]],
    candidates: Patterns,
    candidate_scale: float,
    chance: Patterns,
    possible_pairs: float,
    agreements: dict[str, ExactAgreement],
) -> LinkingParameters:
    """Estimate the parameters.

    Parameters
    ----------
    comparisons : sequence of FieldComparison
        C of them, in the order of the columns of the patterns.
    key_fields : sequence of frozenset of str
        For each candidate key the comparisons that its pairs agree in by construction.
    candidates : Patterns
        Of a sample of candidate pairs.
    candidate_scale : float
        Candidate pairs in all over those in the sample.
    chance : Patterns
        Of random pairs.
    possible_pairs : float
        n (n - 1) / 2.
    agreements : dict of str to ExactAgreement
        Comparison to how many pairs agree at its first level, where the values could be counted.
    """
    sizes = [len(comparison.levels) for comparison in comparisons]
    household = [comparison.is_of_household for comparison in comparisons]
    # of further fields nobody said whether the people of a household share them
    learnt = [comparison.may_be_of_household for comparison in comparisons]
    start_m = [_starting_m(size) for size in sizes]
    m = [vector.copy() for vector in start_m]
    observed_u = [_count(chance.levels[:, c], chance.pairs, size) for c, size in enumerate(sizes)]
    exact = [agreements.get(comparison.name) for comparison in comparisons]
    u = [_u_of(counts, exact[c], 0.0) for c, counts in enumerate(observed_u)]
    h = _household_start(household, m, u)
    rows_of_key = [
        np.flatnonzero(candidates.key_masks >> bit & 1) for bit in range(len(key_fields))
    ]
    shares = [np.array([0.2, 0.1 if any(household) else 0.0, 0.7]) for _ in key_fields]
    match_share, household_share = 1e-5, 1e-5
    for _ in range(MAX_ITERATIONS):
        logs = [_log_likelihood(candidates.levels, tables) for tables in (m, h, u)]
        counts_m = [PRIOR_PAIRS * vector for vector in start_m]
        counts_h = [
            PRIOR_PAIRS * (m[c] if household[c] else _like_strangers(m[c], u[c]))
            for c in range(len(sizes))
        ]
        for bit, rows in enumerate(rows_of_key):
            if not len(rows):
                continue
            free = [c for c, item in enumerate(comparisons) if item.name not in key_fields[bit]]
            weights = candidates.pairs[rows]
            share = np.maximum(shares[bit], 1e-9)
            posts = _responsibilities(
                [np.log(share[kind]) + logs[kind][rows][:, free].sum(axis=1) for kind in range(3)]
            )
            shares[bit] = np.array([(post * weights).sum() for post in posts]) / weights.sum()
            for c in free:
                counts_m[c] += _count(candidates.levels[rows, c], posts[0] * weights, sizes[c])
                if household[c] or learnt[c]:
                    counts_h[c] += _count(candidates.levels[rows, c], posts[1] * weights, sizes[c])
        new_m = [_normal(counts) for counts in counts_m]
        change = max(float(np.abs(a - b).max()) for a, b in zip(new_m, m, strict=True))
        m = new_m
        h = [
            _normal(counts_h[c]) if household[c] or learnt[c] else _like_strangers(m[c], u[c])
            for c in range(len(sizes))
        ]
        shares_of_all, post_candidates = _shares_of_all(
            candidates, candidate_scale, possible_pairs, (m, h, u), (match_share, household_share)
        )
        match_share, household_share = shares_of_all
        post_match = _kinds(chance, (m, h, u), shares_of_all)[0]
        for c, size in enumerate(sizes):
            counts = _count(chance.levels[:, c], chance.pairs * (1 - post_match), size)
            is_first = candidates.levels[:, c] == 0
            matches = (post_candidates * candidates.pairs)[is_first].sum() * candidate_scale
            u[c] = _u_of(counts, exact[c], float(matches))
        if change < CONVERGENCE:
            break
    names = [comparison.name for comparison in comparisons]
    return LinkingParameters(
        m={name: vector.tolist() for name, vector in zip(names, m, strict=True)},
        h={name: vector.tolist() for name, vector in zip(names, h, strict=True)},
        u={name: vector.tolist() for name, vector in zip(names, u, strict=True)},
        match_share=float(match_share),
        household_share=float(household_share),
    )


def fewest_keys(
    parameters: LinkingParameters,
    comparisons: Sequence[FieldComparison],
    candidates: Patterns,
    keys: Sequence[int],
    kind: int = 0,
    most_missed: float = 1e-4,
) -> list[int]:
    """Return the keys that together find all matches but a few, the most useful first.

    A greedy set cover (Chvatal 1979) of the matches among the candidates that these keys found.

    Parameters
    ----------
    keys : sequence of int
        Numbers of the keys to choose from.
    kind : int
        0 for pairs of one person, 1 for pairs of a household.
    most_missed : float
        Share of the matches that may be missed.
    """
    tables = tuple(
        [np.array(table[item.name]) for item in comparisons]
        for table in (parameters.m, parameters.h, parameters.u)
    )
    shares = (parameters.match_share, parameters.household_share)
    findable = np.zeros(len(candidates.pairs), dtype=bool)
    for key in keys:
        findable |= candidates.key_masks >> key & 1 > 0
    matches = _kinds(candidates, tables, shares)[kind] * candidates.pairs * findable
    allowed = most_missed * matches.sum()
    waiting, taken = set(keys), []
    found = np.zeros(len(matches), dtype=bool)
    while waiting and matches[~found].sum() > allowed:
        gains = {
            key: matches[~found & (candidates.key_masks >> key & 1 > 0)].sum() for key in waiting
        }
        best = max(sorted(waiting), key=lambda key: gains[key])
        if gains[best] <= 0:
            break
        taken.append(best)
        waiting.remove(best)
        found |= candidates.key_masks >> best & 1 > 0
    return taken


def _u_of(counts: Vector, exact: ExactAgreement | None, matches: float) -> Vector:
    """Return u, its first level from the counted values less the matches among them."""
    # half a pair a level: what was never seen is rare, not impossible
    u = _normal(counts + 0.5)
    if exact is not None and exact.filled_pairs > 0:
        # with nothing else to compare, evidence that strangers share an identifier would feed on itself
        matches = exact.agreeing_pairs if exact.is_identifier else matches
        strangers = max(exact.agreeing_pairs - matches, LEAST_CHANCE_SHARE * exact.agreeing_pairs)
        first = max(strangers / exact.filled_pairs, LEAST_PROBABILITY)
        u = _normal(np.concatenate([[first], (1 - first) * u[1:] / u[1:].sum()]))
    return u


def _like_strangers(m: Vector, u: Vector) -> Vector:
    return NAMESAKE_SHARE * m + (1 - NAMESAKE_SHARE) * u


def _household_start(household: list[bool], m: list[Vector], u: list[Vector]) -> list[Vector]:
    return [
        m[c].copy() if is_shared else _like_strangers(m[c], u[c])
        for c, is_shared in enumerate(household)
    ]


def _kinds(
    patterns: Patterns, tables: tuple[list[Vector], ...], shares: tuple[float, float]
) -> list[Vector]:
    priors = (shares[0], shares[1], max(1 - sum(shares), 1e-9))
    return _responsibilities(
        [
            np.log(max(prior, 1e-300)) + _log_likelihood(patterns.levels, table).sum(axis=1)
            for prior, table in zip(priors, tables, strict=True)
        ]
    )


def _shares_of_all(
    candidates: Patterns,
    scale: float,
    possible_pairs: float,
    tables: tuple[list[Vector], ...],
    shares: tuple[float, float],
) -> tuple[tuple[float, float], Vector]:
    """Return what share of all pairs are matches and household pairs, and which candidates are matches."""
    kinds = []
    for _ in range(3):
        kinds = _kinds(candidates, tables, shares)
        match, household = (
            min(max(float((kind * candidates.pairs).sum()) * scale / possible_pairs, 1e-12), 0.5)
            for kind in kinds[:2]
        )
        shares = (match, household)
    return shares, kinds[0]
