"""What the law asks of a contact: facts about customer and channel, and which of them stop which play.

Belongs here: the facts, the legal bases and the rule of each. Does not: how a fact is found (SQL in
`dbt_project`), or which play has which basis (its meta).

A fact is one bit, so that all facts of a customer and channel are one number, and a rule is a number too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntFlag
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from ml.contact_plan import reasons
from ml.contact_plan.play_meta import CONSENT, CONTRACT, LEGITIMATE_INTEREST, SOFT_OPT_IN

if TYPE_CHECKING:
    from ml.contact_plan.definitions import PlayDefinition


class Fact(IntFlag):
    """What stands in the way of a contact; the values are those of `FACT_COLUMNS`."""

    LACKS_CONTACT_POINT = 1 << 0
    IS_CHILD = 1 << 1
    IS_MINOR = 1 << 2
    IS_ON_OWN_LIST = 1 << 3
    IS_ON_OPT_OUT_LIST = 1 << 4
    HAS_COMPLAINED = 1 << 5
    IS_UNDELIVERABLE = 1 << 6
    IS_WITHDRAWN = 1 << 7
    IS_REFUSED = 1 << 8
    IS_NOT_GRANTED = 1 << 9
    IS_NO_CUSTOMER = 1 << 10
    LACKS_CONTRACT = 1 << 11
    HAS_OBJECTED_TO_PROFILING = 1 << 12
    IS_PROFILING_NOT_GRANTED = 1 << 13
    IS_THIRD_PARTIES_NOT_GRANTED = 1 << 14


# The columns of intermediate.int_customers__contact_rights that hold the facts.
FACT_COLUMNS: Final[Mapping[str, Fact]] = {str(fact.name).lower(): fact for fact in Fact}
EVERY_FACT: Final = sum(Fact)

# Whoever told us or the mailbox's provider to leave them alone is left alone, by any play and on any basis.
_ALWAYS: Final = (
    Fact.LACKS_CONTACT_POINT | Fact.IS_ON_OWN_LIST | Fact.HAS_COMPLAINED | Fact.IS_UNDELIVERABLE
)
_ADVERTISING: Final = (
    _ALWAYS | Fact.IS_CHILD | Fact.IS_MINOR | Fact.IS_ON_OPT_OUT_LIST | Fact.IS_WITHDRAWN
)
_PROFILING: Final = Fact.HAS_OBJECTED_TO_PROFILING | Fact.IS_CHILD

REASON_OF: Final[Mapping[Fact, str]] = {
    Fact.IS_CHILD: reasons.CHILD,
    Fact.IS_MINOR: reasons.MINOR,
    Fact.IS_ON_OWN_LIST: reasons.SUPPRESSED_OWN_LIST,
    Fact.IS_ON_OPT_OUT_LIST: reasons.SUPPRESSED_ROBINSON,
    Fact.HAS_COMPLAINED: reasons.COMPLAINED,
    Fact.IS_WITHDRAWN: reasons.WITHDRAWN,
    Fact.HAS_OBJECTED_TO_PROFILING: reasons.OBJECTION_TO_PROFILING,
    Fact.IS_PROFILING_NOT_GRANTED: reasons.NO_PROFILING_CONSENT,
    Fact.IS_THIRD_PARTIES_NOT_GRANTED: reasons.NO_THIRD_PARTIES_CONSENT,
    Fact.IS_REFUSED: reasons.CONSENT_REFUSED,
    Fact.IS_NOT_GRANTED: reasons.NO_CONSENT,
    Fact.IS_NO_CUSTOMER: reasons.NOT_A_CUSTOMER,
    Fact.LACKS_CONTRACT: reasons.NO_CONTRACT,
    Fact.IS_UNDELIVERABLE: reasons.UNDELIVERABLE,
    Fact.LACKS_CONTACT_POINT: reasons.NO_REACHABLE_CHANNEL,
}


def stopping_facts(play: PlayDefinition, channel: str) -> int:
    """Return the facts that keep a play from a channel.

    - **consent**: the commercial consent for the channel must be granted.
    - **soft_opt_in** (LSSI 21.2): customers may be written to about our own similar products unless
      they said no, withdrew or never answered when they were asked.
    - **legitimate_interest**: likewise; who never bought may get a letter, not a call.
    - **contract**: a message that the contract needs is no advertisement, so neither consents nor
      opt-out lists speak of it; a contract must run.

    Parameters
    ----------
    play
        The play; its `consent_purpose` and `uses_profiling` add what they need.
    channel
        One of its channels.
    """
    basis = play.legal_basis[channel]
    if basis == CONTRACT:
        facts = _ALWAYS | Fact.LACKS_CONTRACT
    elif basis == SOFT_OPT_IN or (basis == LEGITIMATE_INTEREST and channel == "phone"):
        facts = _ADVERTISING | Fact.IS_REFUSED | Fact.IS_NO_CUSTOMER
    elif basis == LEGITIMATE_INTEREST:
        facts = _ADVERTISING | Fact.IS_REFUSED
    else:
        facts = _ADVERTISING | Fact.IS_REFUSED | Fact.IS_NOT_GRANTED
    if play.uses_profiling:
        facts |= _PROFILING
    if play.consent_purpose == "profiling":
        facts |= _PROFILING | Fact.IS_PROFILING_NOT_GRANTED
    if play.consent_purpose == "third_parties":
        facts |= Fact.IS_THIRD_PARTIES_NOT_GRANTED
    return int(facts)


def bases_relied_on(
    play: NDArray[np.int64],
    channel: NDArray[np.int64],
    facts: NDArray[np.int64],
    plays: Sequence[PlayDefinition],
    channel_names: Sequence[str],
) -> NDArray[np.object_]:
    """Return the legal basis of each row: consent where it was given, else the play's for the channel.

    Parameters
    ----------
    play, channel
        Positions; a channel below 0 has no basis (None).
    facts
        The customer's facts for the row's channel.
    plays, channel_names
        What the positions refer to.
    """
    # The row of no channel comes last, where position -1 finds it.
    table = np.full((len(plays), len(channel_names) + 1), None, dtype=object)
    for position, definition in enumerate(plays):
        for name, basis in definition.legal_basis.items():
            table[position, channel_names.index(name)] = basis
    bases = table[play, channel] if len(plays) else np.empty(len(play), dtype=object)
    is_consent = (facts & int(Fact.IS_NOT_GRANTED) == 0) & (channel >= 0) & (bases != CONTRACT)
    relied_on: NDArray[np.object_] = np.where(is_consent, CONSENT, bases)
    return relied_on


def without_moot_facts(facts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Drop what a granted consent makes irrelevant: that the person never bought."""
    is_granted = (facts & Fact.IS_NOT_GRANTED) == 0
    return np.where(is_granted, facts & ~np.int64(Fact.IS_NO_CUSTOMER), facts)


def reasons_of(facts: NDArray[np.integer]) -> dict[str, NDArray[np.bool_]]:
    """Tell the facts of each row as flags by reason code."""
    return {code: (facts & int(fact)) != 0 for fact, code in REASON_OF.items()}
