"""The state behaviour carries from slice to slice: windows, pools of planned events, numbering.

Everything is numpy arrays by name, so that a state is an npz file; behaviour itself is elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from simulation.randomness import Integers, Times, stream

Array = NDArray[Any]
Columns = dict[str, Array]

DAY: Final = np.timedelta64(1, "D")
SECOND: Final = np.timedelta64(1, "s")
NEVER: Final = np.datetime64("NaT", "us")
_MICROSECONDS_A_DAY: Final = 86_400_000_000


@dataclass(frozen=True)
class Window:
    """The time of a slice, ``start`` to ``end`` (exclusive), both midnights, with its randomness."""

    start: np.datetime64
    end: np.datetime64
    origin: np.datetime64  # first day of the history
    seed: int

    def rng(self, name: str) -> np.random.Generator:
        """Return the stream of a process in this slice."""
        return stream(self.seed, name, int(self.start.astype("datetime64[D]").astype(np.int64)))

    @property
    def first_day(self) -> int:
        """Days from the origin to the start."""
        return int((self.start - self.origin) // DAY)

    @property
    def end_day(self) -> int:
        """Days from the origin to the end."""
        return int((self.end - self.origin) // DAY)

    @property
    def days(self) -> int:
        """Length of the slice."""
        return self.end_day - self.first_day

    @property
    def is_first(self) -> bool:
        """Whether the history begins here."""
        return self.first_day == 0

    def each_day(self) -> Iterator[np.datetime64]:
        """Yield the days of the slice."""
        for number in range(self.days):
            yield self.start + number * DAY

    def at(self, days: Array) -> Times:
        """Turn days since the origin, fractions included, into times of whole seconds."""
        return at_days(self.origin, days)

    def day_numbers(self, times: Times) -> Array:
        """Turn times into days since the origin, with fractions."""
        return (times - self.origin).astype(np.float64) / _MICROSECONDS_A_DAY


def at_days(origin: np.datetime64, days: Array) -> Times:
    """Turn days since ``origin``, fractions included, into times of whole seconds."""
    seconds = np.floor(np.asarray(days, dtype=np.float64) * 86_400.0)
    known = np.isfinite(seconds)
    times = origin + np.where(known, seconds, 0.0).astype("timedelta64[s]")
    return np.where(known, times, NEVER).astype("datetime64[us]")


def shifted(times: Times, count: Array, unit: np.timedelta64) -> Times:
    """Return times moved by whole numbers of a unit."""
    moved: Times = times + np.asarray(count).astype(np.int64) * unit
    return moved


class Pool:
    """Events planned ahead, taken out when their time comes; every pool has a column ``at``."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        self._parts: list[Columns] = [
            {name: np.empty(0, dtype=dtype) for name, dtype in columns.items()}
        ]

    def push(self, **columns: Any) -> None:  # noqa: ANN401 - arrays or scalars
        """Plan events; scalars count for all of them."""
        size = len(columns["at"])
        model = self._parts[0]
        if columns.keys() != model.keys():
            raise ValueError(f"A pool of {sorted(model)} got {sorted(columns)}.")
        self._parts.append(
            {
                name: np.broadcast_to(np.asarray(columns[name]), (size,)).astype(values.dtype)
                for name, values in model.items()
            }
        )

    def take_until(self, end: np.datetime64) -> Columns:
        """Remove and return the events before ``end``, in the order of their planning."""
        whole = self.columns()
        is_due = whole["at"] < end
        due = {name: values[is_due] for name, values in whole.items()}
        self._parts = [{name: values[~is_due] for name, values in whole.items()}]
        return due

    def columns(self) -> Columns:
        """Return all planned events."""
        if len(self._parts) > 1:
            names = self._parts[0]
            self._parts = [
                {name: np.concatenate([part[name] for part in self._parts]) for name in names}
            ]
        return self._parts[0]

    def restore(self, columns: Columns) -> None:
        """Replace the planned events."""
        self._parts = [columns]


class Process(Protocol):
    """Anything that keeps a state."""

    def state(self) -> Columns:
        """Return the state as arrays."""

    def restore(self, state: Columns) -> None:
        """Take a state that `state` returned."""


class StatefulProcess:
    """Keeps arrays, pools and counters by attribute name; subclasses list them."""

    arrays: tuple[str, ...] = ()
    pools: tuple[str, ...] = ()
    counters: tuple[str, ...] = ()

    def state(self) -> Columns:
        """Return the state as arrays."""
        state: Columns = {name: getattr(self, name) for name in self.arrays}
        for name in self.counters:
            state[name] = np.array(getattr(self, name))
        for name in self.pools:
            for column, values in getattr(self, name).columns().items():
                state[f"{name}.{column}"] = values
        return state

    def restore(self, state: Columns) -> None:
        """Take a state that `state` returned."""
        for name in self.arrays:
            setattr(self, name, state[name])
        for name in self.counters:
            setattr(self, name, int(state[name]))
        for name in self.pools:
            prefix = f"{name}."
            getattr(self, name).restore(
                {
                    key.removeprefix(prefix): values
                    for key, values in state.items()
                    if key.startswith(prefix)
                }
            )

    def numbers(self, counter: str, count: int) -> Integers:
        """Return the next ``count`` numbers of a counter."""
        first = getattr(self, counter)
        setattr(self, counter, first + count)
        return np.arange(first, first + count)
