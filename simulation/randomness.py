"""Random numbers of the simulation: one independent stream a process and day, and weighted draws.

No global state and no clock: a stream follows from the seed, its name and its day alone.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Times = NDArray[np.datetime64]


def stream(seed: int, name: str, day: int = 0) -> np.random.Generator:
    """Return the generator of a process on a day (days since 1970)."""
    key = (zlib.crc32(name.encode()), day)
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence(seed, spawn_key=key)))


class WeightedDraw:
    """Draws positions with given weights.

    Parameters
    ----------
    weights
        Any non-negative numbers, not all zero.
    """

    def __init__(self, weights: ArrayLike) -> None:
        cumulated = np.cumsum(np.asarray(weights, dtype=np.float64))
        self._cumulated = cumulated / cumulated[-1]

    def __call__(self, rng: np.random.Generator, size: int) -> Integers:
        """Return ``size`` positions."""
        return self.at(rng.random(size))

    def at(self, uniform: Floats) -> Integers:
        """Return the positions that uniform numbers in [0, 1) stand for."""
        return np.searchsorted(self._cumulated, uniform, side="right").astype(np.int64)


class GroupedDraw:
    """Draws a member of a group: members are sorted by group, weights belong to members.

    Parameters
    ----------
    groups
        Group of each member, 0 to ``n_groups - 1``, ascending.
    weights
        Weight of each member.
    n_groups
        Number of groups; every group drawn from needs a member.
    """

    def __init__(self, groups: Integers, weights: Floats, n_groups: int) -> None:
        totals = np.bincount(groups, weights=weights, minlength=n_groups)
        first = np.searchsorted(groups, np.arange(n_groups))
        running = np.cumsum(weights)
        before = np.concatenate([[0.0], running])[first]
        # Member intervals of group g lie in (g, g + 1]: one search serves all groups.
        within = (running - before[groups]) / totals[groups]
        self._edges = groups + within
        self._last = np.searchsorted(groups, np.arange(n_groups), side="right") - 1
        self._first = first

    def __call__(self, rng: np.random.Generator, groups: Integers) -> Integers:
        """Return a member's position for each group asked for."""
        wanted = groups + rng.random(len(groups))
        found = np.searchsorted(self._edges, wanted, side="right")
        clipped: Integers = np.clip(found, self._first[groups], self._last[groups])
        return clipped


def choose(rng: np.random.Generator, size: int, options: Sequence[tuple[str, float]]) -> Integers:
    """Return positions in ``options``, drawn by the weights they carry."""
    return WeightedDraw([weight for _, weight in options])(rng, size)


def labels(options: Sequence[tuple[str, float]]) -> list[str]:
    """Return the labels of weighted options, in order."""
    return [label for label, _ in options]


def spread_numbers(rng: np.random.Generator, size: int, low: int, high: int) -> Integers:
    """Return distinct numbers in [low, high), in random order, without drawing the whole range."""
    stride = (high - low) // size
    numbers: Integers = low + rng.permutation(size) * stride + rng.integers(0, stride, size)
    return numbers
