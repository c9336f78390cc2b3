"""Choose between eligible candidates under caps a customer and capacities a channel: greedily.

Belongs here: the problem's numbers, a way to solve it and an upper bound. Does not: eligibility,
names, dates. Another method takes an `ArbitrationProblem` and returns an `ArbitrationSolution`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class ArbitrationProblem:
    """Eligible candidates as arrays, one element a candidate, and the limits they compete for.

    Attributes
    ----------
    customer, play, channel
        Positions of the candidate's customer, play and channel. Plays and customers are numbered
        in order of their names, which is what breaks ties.
    net_value
        What a contact is expected to earn after its cost; above zero.
    priority
        Priority of the play; the higher one wins among equal net values.
    slots
        For each customer, how many contacts are still allowed on the day.
    capacity
        For each channel, how many contacts it carries on the day; -1 for no limit.
    """

    customer: NDArray[np.int64]
    play: NDArray[np.int64]
    channel: NDArray[np.int64]
    net_value: NDArray[np.float64]
    priority: NDArray[np.int64]
    slots: NDArray[np.int64]
    capacity: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ArbitrationSolution:
    """Who is contacted, and who isn't because a channel is full.

    Attributes
    ----------
    method
        Name of the method for `plan.arbitration_runs`.
    is_selected
        For each candidate, whether it is in the plan.
    is_capacity_limited
        For each candidate, whether the customer had a contact left but the channel had none. All
        other candidates that are not selected met the customer's cap.
    objective
        Sum of the selected net values.
    bound
        No feasible choice has a larger sum than this.
    """

    method: str
    is_selected: NDArray[np.bool_]
    is_capacity_limited: NDArray[np.bool_]
    objective: float
    bound: float


def arbitrate(problem: ArbitrationProblem) -> ArbitrationSolution:
    """Select greedily: the largest net value first, while customer and channel have room.

    Ties go to the higher priority, then to the play and the customer first in name order, so the
    order of the rows changes nothing. Without capacities the result is optimal and equals the
    bound. A customer whose best candidate finds its channel full gets the next best one on
    another channel.

    Parameters
    ----------
    problem
        The eligible candidates and the limits.
    """
    order = np.lexsort((problem.customer, problem.play, -problem.priority, -problem.net_value))
    queue = _CustomerQueue(problem.customer[order], problem.slots)
    channel = problem.channel[order]
    net_value = problem.net_value[order]

    is_open = np.ones(len(order), dtype=bool)
    is_selected = queue.select(is_open)
    bound = float(net_value[is_selected].sum())
    # Walking down the list one candidate at a time is slow in Python, but little happens on the
    # way: until a channel fills, each customer just takes the best open candidates. So: find the
    # first channel that fills, close it for all later candidates, and select again. What came
    # before that place stays as it was; there are at most as many rounds as channels.
    unfilled = set(np.flatnonzero(problem.capacity >= 0).tolist())
    while True:
        full_at = {
            item: _fill_position(is_selected & (channel == item), int(problem.capacity[item]))
            for item in unfilled
        }
        full_at = {item: place for item, place in full_at.items() if place < len(order)}
        if not full_at:
            break
        first = min(full_at, key=lambda item: (full_at[item], item))
        unfilled.remove(first)
        closed = channel == first
        closed[: full_at[first]] = False
        is_open &= ~closed
        is_selected = queue.select(is_open)

    had_slot = queue.has_slot_before(is_selected)
    return ArbitrationSolution(
        method="greedy",
        is_selected=_restore(is_selected, order),
        is_capacity_limited=_restore(~is_open & had_slot, order),
        objective=float(net_value[is_selected].sum()),
        bound=bound,
    )


class _CustomerQueue:
    """Counts along each customer's candidates, for candidates in the order of the walk."""

    def __init__(self, customer: NDArray[np.int64], slots: NDArray[np.int64]) -> None:
        self._by_customer = np.argsort(customer, kind="stable")
        grouped = customer[self._by_customer]
        is_first = np.ones(len(grouped), dtype=bool)
        is_first[1:] = grouped[1:] != grouped[:-1]
        self._group = np.cumsum(is_first) - 1
        self._starts = np.flatnonzero(is_first)
        self._slots = slots[customer]

    def _count_before(self, flags: NDArray[np.bool_]) -> NDArray[np.int64]:
        """How many flagged candidates of the same customer come before each candidate."""
        grouped = flags[self._by_customer].astype(np.int64)
        before = np.cumsum(grouped) - grouped
        counts = np.empty(len(flags), dtype=np.int64)
        counts[self._by_customer] = before - before[self._starts][self._group]
        return counts

    def select(self, is_open: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Give each customer the first open candidates, as many as the slots allow."""
        return is_open & (self._count_before(is_open) < self._slots)

    def has_slot_before(self, is_selected: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Tell whether the customer still had a slot when the walk came to each candidate."""
        return self._count_before(is_selected) < self._slots


def _fill_position(is_taken: NDArray[np.bool_], capacity: int) -> int:
    """First place in the walk at which the channel is full; the walk's length when it never is."""
    if capacity == 0:
        return 0
    taken = np.flatnonzero(is_taken)
    return int(taken[capacity - 1]) + 1 if len(taken) >= capacity else len(is_taken)


def _restore(values: NDArray[np.bool_], order: NDArray[np.intp]) -> NDArray[np.bool_]:
    restored = np.empty_like(values)
    restored[order] = values
    return restored
