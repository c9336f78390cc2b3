"""Control groups by keyed hash: the same customer is in the same group on every day.

Belongs here: membership as a pure function of key, customer and play. Does not: which candidates
would have been contacted, or what the groups did afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ml.contact_plan.errors import DefinitionError

MIN_KEY_BYTES = 16


def in_universal_holdout(
    customer_ids: Iterable[str], share: float, key: bytes
) -> NDArray[np.bool_]:
    """Tell which customers belong to the control group that no play contacts.

    Depends on the key and the customer only: other customers, dates and plays change nothing, and
    a larger share keeps all members of a smaller one.

    Parameters
    ----------
    customer_ids
        Customers to look up.
    share
        Share of all customers in the group, 0..1.
    key
        Secret key of at least 16 bytes. Another key draws other groups.
    """
    return _hash_to_unit(customer_ids, _keyed_hash(key, b"universal")) < share


def in_play_holdout(
    play: str, customer_ids: Iterable[str], share: float, key: bytes
) -> NDArray[np.bool_]:
    """Tell which customers belong to the control group of one play.

    Independent of the universal holdout and of the other plays' groups. Parameters as in
    `in_universal_holdout`.
    """
    return _hash_to_unit(customer_ids, _keyed_hash(key, b"play", play.encode() + b"\0")) < share


def check_holdout_key(key: bytes) -> None:
    """Refuse a key so short that group membership could be guessed by trying keys."""
    if len(key) < MIN_KEY_BYTES:
        raise DefinitionError(
            f"The holdout key has {len(key)} bytes; give a secret of at least {MIN_KEY_BYTES} and "
            "keep it, because another key draws other control groups."
        )


def _keyed_hash(key: bytes, group: bytes, prefix: bytes = b"") -> hashlib.blake2b:
    check_holdout_key(key)
    # BLAKE2b takes 64 key bytes at most: hashing first lets a secret have any length.
    short_key = hashlib.blake2b(key, digest_size=32).digest()
    state = hashlib.blake2b(key=short_key, digest_size=8, person=group)
    state.update(prefix)
    return state


def _hash_to_unit(customer_ids: Iterable[str], state: hashlib.blake2b) -> NDArray[np.float64]:
    digests = bytearray()
    # The only per-row Python of the plan: no vectorised keyed hash exists in numpy or pandas.
    for customer_id in customer_ids:
        row = state.copy()
        row.update(customer_id.encode())
        digests += row.digest()
    numbers = np.frombuffer(bytes(digests), dtype="<u8")
    # 53 bits are what a double holds exactly, so the result is below 1 without rounding.
    return (numbers >> np.uint64(11)).astype(np.float64) * 2.0**-53
