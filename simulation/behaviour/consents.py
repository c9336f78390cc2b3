"""Consents that change after joining: withdrawals by link, by form, or just so.

What people tick on joining stands in the people frame.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.behaviour.campaigns import CHANNELS, Campaigns
from simulation.behaviour.daytime import OFFICE_HOURS, draw_time_of_day
from simulation.behaviour.forms import policy_versions
from simulation.behaviour.participation import Memberships
from simulation.behaviour.state import DAY, Columns, Window
from simulation.frames import CONSENT_EVENTS, NO_ID, categorical
from simulation.randomness import Integers, Times

_SYSTEMS: Final = ("erp", "ecommerce", "dms", "mailing", "forms")
_ALL_CHANNELS: Final = ("email", "sms", "postal", "phone")
_PURPOSES: Final = ("marketing", "profiling")
_CHANGES_PER_MEMBER_A_YEAR: Final = 0.03
_WITHDRAWN_SHARE: Final = 0.65
_PROFILING_SHARE: Final = 0.15
_MAILING, _FORMS = 3, 4


def consent_events(
    window: Window,
    members: Memberships,
    campaigns: Campaigns,
    withdrawals: Columns,
    submissions: pd.DataFrame,
) -> pd.DataFrame:
    """Return the consent events of a slice (CONSENT_EVENTS), and have campaigns obey them."""
    rng = window.rng("consent events")
    parts = [_by_link(withdrawals), *_by_form(submissions)]
    for number, system in enumerate(_SYSTEMS[:3]):
        part = _just_so(rng, window, number, np.flatnonzero(members.since(system) < window.start))
        parts.append(part)
        gone = (part["purpose"] == 0) & ~part["granted"]
        for channel, name in enumerate(CHANNELS):
            campaigns.withdraw(part["person"][gone & (part["channel"] == channel)], name)
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    order = np.argsort(whole["at"], kind="stable")
    whole = {name: values[order] for name, values in whole.items()}
    return CONSENT_EVENTS.build(
        {
            "person_id": whole["person"],
            "system": categorical(whole["system"], _SYSTEMS),
            "purpose": categorical(whole["purpose"], _PURPOSES),
            "channel": categorical(whole["channel"], _ALL_CHANNELS),
            "is_granted": whole["granted"],
            "occurred_at": whole["at"],
            "policy_version": policy_versions(whole["at"]),
            "double_opt_in": categorical(whole["opt_in"], ["confirmed", "pending"]),
            "campaign_id": whole["campaign"],
        }
    )


def _rows(
    person: Integers,
    at: Times,
    system: int,
    channel: Any,  # noqa: ANN401
    **others: Any,  # noqa: ANN401
) -> Columns:
    count = len(person)
    values = {"purpose": 0, "granted": True, "opt_in": NO_ID, "campaign": NO_ID, **others}
    rows: Columns = {"person": person, "at": at}
    for name, value in {"system": system, "channel": channel, **values}.items():
        rows[name] = np.broadcast_to(np.asarray(value), count)
    return rows


def _by_link(withdrawals: Columns) -> Columns:
    return _rows(
        withdrawals["person"],
        withdrawals["at"],
        _MAILING,
        withdrawals["channel"],
        granted=False,
        campaign=withdrawals["campaign"],
    )


def _by_form(submissions: pd.DataFrame) -> list[Columns]:
    parts = []
    for channel, name in enumerate(CHANNELS):
        given = submissions[submissions[f"accepts_{name}"].to_numpy()]
        parts.append(
            _rows(
                given["person_id"].to_numpy(),
                given["submitted_at"].to_numpy(),
                _FORMS,
                channel,
                opt_in=given["double_opt_in"].cat.codes.to_numpy(),
            )
        )
    return parts


def _just_so(rng: np.random.Generator, window: Window, system: int, members: Integers) -> Columns:
    rate = _CHANGES_PER_MEMBER_A_YEAR / 365.0 * window.days
    person = members[rng.random(len(members)) < rate]
    count = len(person)
    day = window.start + rng.integers(0, window.days, count) * DAY
    return _rows(
        person,
        draw_time_of_day(rng, day, OFFICE_HOURS),
        system,
        rng.choice(4, count, p=(0.5, 0.25, 0.1, 0.15)),
        purpose=(rng.random(count) < _PROFILING_SHARE).astype(np.int8),
        granted=rng.random(count) >= _WITHDRAWN_SHARE,
    )
