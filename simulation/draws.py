"""Random numbers that depend on what they are for, not on when they are drawn.

Belongs here: hashes of ids into uniform numbers. Does not: what is decided by them.

A record delivered twice, in another slice or another process, meets the same draw: that is why its
typo stays the same typo, as in a real system.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def salt(seed: int, *labels: str) -> int:
    """Return a 64-bit number for a purpose, told by labels."""
    digest = hashlib.sha256(f"{seed}:{':'.join(labels)}".encode()).digest()
    return int.from_bytes(digest[:8], "little")


def hashed(ids: NDArray[Any], seed: int, *labels: str) -> Hashes:
    """Return 64 random bits an id (splitmix64 of the id and the purpose)."""
    state = ids.astype(np.int64).view(np.uint64) * _GAMMA + np.uint64(salt(seed, *labels))
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    mixed: Hashes = state ^ (state >> np.uint64(31))
    return mixed


def uniform(ids: NDArray[Any], seed: int, *labels: str) -> NDArray[np.float64]:
    """Return a number in [0, 1) an id."""
    return (hashed(ids, seed, *labels) >> np.uint64(11)).astype(np.float64) * 2.0**-53


def file_draw(seed: int, *labels: str) -> float:
    """Return one number in [0, 1) for a file or another thing that has a name."""
    return (salt(seed, *labels) >> 11) * 2.0**-53
