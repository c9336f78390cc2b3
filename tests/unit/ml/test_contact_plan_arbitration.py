"""The greedy arbitration equals the plain walk down the list that it stands for.

Belongs here: `arbitrate` on arrays. Does not: rules, names or dates.
"""

from __future__ import annotations

import numpy as np
import pytest

from ml.contact_plan import ArbitrationProblem, ArbitrationSolution, arbitrate


def make_problem(
    rows: list[tuple[int, int, int, float]], slots: list[int], capacity: list[int]
) -> ArbitrationProblem:
    """Make a problem from rows of (customer, play, channel, net value)."""
    columns = np.array(rows, dtype=float).reshape(-1, 4)
    return ArbitrationProblem(
        customer=columns[:, 0].astype(np.int64),
        play=columns[:, 1].astype(np.int64),
        channel=columns[:, 2].astype(np.int64),
        net_value=columns[:, 3],
        priority=np.full(len(rows), 50, dtype=np.int64),
        slots=np.array(slots, dtype=np.int64),
        capacity=np.array(capacity, dtype=np.int64),
    )


def walk(problem: ArbitrationProblem) -> tuple[list[bool], list[bool]]:
    """Do what `arbitrate` promises, one candidate at a time."""
    slots, capacity = problem.slots.tolist(), problem.capacity.tolist()
    selected = [False] * len(problem.customer)
    limited = [False] * len(problem.customer)
    keys = zip(-problem.net_value, -problem.priority, problem.play, problem.customer, strict=True)
    for _, row in sorted((key, row) for row, key in enumerate(keys)):
        customer, channel = problem.customer[row], problem.channel[row]
        if slots[customer] and capacity[channel]:
            selected[row] = True
            slots[customer] -= 1
            capacity[channel] -= 1  # below zero for a channel without limit: never zero again
        elif slots[customer]:
            limited[row] = True
    return selected, limited


def solve(problem: ArbitrationProblem) -> ArbitrationSolution:
    """Solve and compare with the walk."""
    solution = arbitrate(problem)
    selected, limited = walk(problem)
    assert solution.is_selected.tolist() == selected
    assert solution.is_capacity_limited.tolist() == limited
    return solution


def test_next_best_on_another_channel_takes_the_place() -> None:
    rows = [(0, 0, 0, 9.0), (1, 0, 0, 8.0), (1, 1, 1, 2.0)]
    solution = solve(make_problem(rows, slots=[1, 1], capacity=[1, -1]))
    assert solution.is_selected.tolist() == [True, False, True]
    assert solution.is_capacity_limited.tolist() == [False, True, False]
    assert solution.objective == 11.0
    assert solution.bound == 17.0


def test_rejection_chain_over_channels() -> None:
    """The loser on channel 0 takes channel 1 from another, who takes channel 2."""
    rows = [(0, 0, 0, 9.0), (1, 0, 0, 8.0), (1, 1, 1, 7.0), (2, 1, 1, 6.0), (2, 2, 2, 1.0)]
    solution = solve(make_problem(rows, slots=[1, 1, 1], capacity=[1, 1, 1]))
    assert solution.is_selected.tolist() == [True, False, True, False, True]


def test_closed_channel_and_customer_without_slots() -> None:
    rows = [(0, 0, 0, 9.0), (0, 1, 1, 1.0), (1, 0, 1, 5.0)]
    solution = solve(make_problem(rows, slots=[1, 0], capacity=[0, 5]))
    assert solution.is_selected.tolist() == [False, True, False]
    assert solution.bound == 9.0


@pytest.mark.parametrize("field", ["priority", "play", "customer"])
def test_ties_go_to_priority_then_play_then_customer(field: str) -> None:
    problem = ArbitrationProblem(
        customer=np.array([0, 1 if field == "customer" else 0]),
        play=np.array([0, 1]) if field != "customer" else np.array([0, 0]),
        channel=np.array([0, 0]),
        net_value=np.array([5.0, 5.0]),
        priority=np.array([10, 90 if field == "priority" else 10]),
        slots=np.array([1, 1]),
        capacity=np.array([1]),
    )
    assert solve(problem).is_selected.tolist() == [field != "priority", field == "priority"]


def test_no_candidates() -> None:
    solution = solve(make_problem([], slots=[], capacity=[3, -1]))
    assert solution.objective == solution.bound == 0.0


@pytest.mark.parametrize("seed", range(60))
def test_equals_the_walk_on_random_problems(seed: int) -> None:
    rng = np.random.default_rng(seed)
    customers, plays, channels = 12, 5, 4
    pairs = rng.permutation(customers * plays)[: int(rng.integers(1, 60))]
    count = len(pairs)
    problem = ArbitrationProblem(
        customer=pairs // plays,
        play=pairs % plays,
        channel=rng.integers(0, channels, count),
        net_value=rng.integers(1, 8, count).astype(float),  # few values, so many ties
        priority=rng.integers(1, 3, count),
        slots=rng.integers(0, 4, customers),
        capacity=rng.integers(-1, 6, channels),
    )
    solution = solve(problem)
    assert solution.objective <= solution.bound
