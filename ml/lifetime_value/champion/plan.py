"""Which earlier origins to learn from, so that every outcome lies before the as-of day.

Dates only; nothing is counted or fitted here.
"""

from __future__ import annotations

from dataclasses import dataclass

# Under four weeks of history no rhythm shows; a fifth of the history keeps early origins sane.
SHORTEST_HISTORY_DAYS = 28
SHORTEST_HISTORY_SHARE = 0.2
SHORTEST_STEP_DAYS = 7


@dataclass(frozen=True)
class TrainingPlan:
    """
    Origins and horizon to learn from.

    Parameters
    ----------
    horizon_days
        Horizon of the outcomes learnt from: the wanted one, or half of the history if shorter.
    origins
        First days not known, the latest first; empty when the history is too short.
    """

    horizon_days: int
    origins: tuple[int, ...]


def training_plan(first_day: int, as_of: int, horizon_days: int, origins: int) -> TrainingPlan:
    """
    Return the latest origins whose outcomes are known before `as_of`.

    They lie a horizon apart where the history allows, else as far as it does.
    """
    history = as_of - first_day
    learnt = min(horizon_days, history // 2)
    if learnt < 1 or history - learnt < SHORTEST_HISTORY_DAYS:
        return TrainingPlan(max(learnt, 0), ())
    room = (history - learnt) / 2
    step = max(int(min(learnt, room / max(origins - 1, 1))), SHORTEST_STEP_DAYS)
    shortest = max(SHORTEST_HISTORY_DAYS, SHORTEST_HISTORY_SHARE * history)
    candidates = [as_of - learnt - number * step for number in range(origins)]
    return TrainingPlan(
        learnt,
        tuple(
            origin
            for number, origin in enumerate(candidates)
            if number == 0 or origin - first_day >= shortest
        ),
    )
