"""Who is a customer of which system since when, and what they consent to there, as the slices pass.

Belongs here: the state that every customer file needs. Does not: how a system writes it down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation.frames import Slice

Times = NDArray[np.datetime64]
Ids = NDArray[np.int64]

MEMBER_SYSTEMS: Final = ("erp", "ecommerce", "dms", "mailing")
CHANNELS: Final = ("email", "sms", "postal", "phone")
_NEVER: Final = np.datetime64("NaT", "us")


class Members:
    """Members and consents of all systems at the end of the last slice taken in.

    Parameters
    ----------
    people
        The market's people: what they tick on joining.
    """

    def __init__(self, people: pd.DataFrame) -> None:
        count = len(people)
        self.joined_at: dict[str, Times] = {
            system: np.full(count, _NEVER) for system in MEMBER_SYSTEMS
        }
        self.accepts: dict[tuple[str, str], NDArray[np.bool_]] = {
            (system, channel): people[f"accepts_{channel}"].to_numpy(dtype=bool).copy()
            for system in MEMBER_SYSTEMS
            for channel in CHANNELS
        }
        self._changed: dict[str, tuple[Ids, Times]] = {}

    def absorb(self, happened: Slice) -> None:
        """Take in who joined and whose data or consents changed in a slice."""
        joined, changes, consents = (
            happened[name] for name in ("new_members", "changed_people", "consent_events")
        )
        for system in MEMBER_SYSTEMS:
            new = joined[(joined["system"] == system).to_numpy(dtype=bool)]
            ids = new["person_id"].to_numpy()
            self.joined_at[system][ids] = new["joined_at"].to_numpy()
            is_member = ~np.isnat(self.joined_at[system])
            given = consents[(consents["system"] == system).to_numpy(dtype=bool)].sort_values(
                "occurred_at", kind="stable"
            )
            for channel in CHANNELS:
                of_channel = given[
                    ((given["channel"] == channel) & (given["purpose"] == "marketing")).to_numpy(
                        bool
                    )
                ]
                # Later rows win: numpy assigns in order.
                self.accepts[system, channel][of_channel["person_id"].to_numpy()] = of_channel[
                    "is_granted"
                ].to_numpy()
            everyone = np.r_[ids, changes["person_id"].to_numpy(), given["person_id"].to_numpy()]
            times = np.r_[
                new["joined_at"].to_numpy(),
                changes["changed_at"].to_numpy(),
                given["occurred_at"].to_numpy(),
            ]
            known = is_member[everyone]
            self._changed[system] = _latest(everyone[known], times[known])

    def changed(self, system: str) -> tuple[Ids, Times]:
        """Return whose records are new or changed in the last slice, and when the last change was."""
        return self._changed[system]

    def state(self) -> Mapping[str, pd.DataFrame]:
        """Return what the next process needs to go on."""
        return {
            "members": pd.DataFrame(
                {f"joined_{system}": times for system, times in self.joined_at.items()}
                | {f"accepts_{'_'.join(key)}": flags for key, flags in self.accepts.items()}
            )
        }

    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Take up the state of an earlier process."""
        frame = frames["members"]
        for system in self.joined_at:
            self.joined_at[system] = (
                frame[f"joined_{system}"].to_numpy(dtype="datetime64[us]").copy()
            )
        for key in self.accepts:
            self.accepts[key] = frame[f"accepts_{'_'.join(key)}"].to_numpy(dtype=bool).copy()


def _latest(ids: Ids, times: Times) -> tuple[Ids, Times]:
    """Return each id once, in order, with its latest time."""
    order = np.lexsort((times, ids))
    ids, times = ids[order], times[order]
    is_last = np.r_[ids[1:] != ids[:-1], True] if len(ids) else np.zeros(0, dtype=bool)
    return ids[is_last], times[is_last]
