"""What a play, a channel and the plan's policy are, validated when they are made.

Belongs here: frozen configuration. Does not: customers, candidates or any decision about them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.contact_plan.errors import DefinitionError
from ml.contact_plan.play_meta import CONTACT_CHANNELS, bases_by_channel, find_meta_problems
from ml.contact_plan.reasons import SUPPRESSION_REASONS


@dataclass(frozen=True)
class PlayDefinition:
    """A play: why a customer is contacted, with what, by which channels and with which odds.

    Attributes
    ----------
    name
        Name of the play, that of its dbt model (``play_welcome``).
    channels
        Channels that the play may use, the preferred one first.
    consent_purpose
        marketing, profiling, third_parties or service: what the customer must have consented to
        where the legal basis is consent.
    legal_basis
        For each channel, what allows the contact: consent, soft_opt_in, legitimate_interest or
        contract (`legal.stopping_facts`).
    uses_profiling
        Whether the play chooses customers by what is predicted or concluded of them. Who objected
        to profiling never gets it.
    cooldown_days
        Days before the same customer may get the same play again.
    validity_days
        Days for which a candidate stays useful. The play's own model turns them into
        ``valid_until``; the plan reads that column.
    prior_incremental_response_share
        Assumed share of the contacted who buy because of the contact. An assumption until control
        groups have measured it.

    The other attributes are the play's meta as in ``config.meta.cadencia.play``.
    """

    name: str
    title: str
    title_es: str
    line_of_business: str
    lifecycle_stage: str
    category: str
    goal: str
    kpi: str
    consent_purpose: str
    legal_basis: Mapping[str, str]
    uses_profiling: bool
    channels: tuple[str, ...]
    template: str
    offer_is_discount: bool
    priority: int
    cooldown_days: int
    validity_days: int
    prior_incremental_response_share: float
    is_automatic: bool

    def __post_init__(self) -> None:
        """Refuse a definition that could not be planned, naming each wrong field."""
        meta = {key: value for key, value in vars(self).items() if key != "name"}
        _raise_meta_problems(self.name, meta)

    @classmethod
    def from_meta(cls, name: str, meta: Mapping[str, Any]) -> PlayDefinition:
        """Make a definition from a dbt model's ``config.meta.cadencia.play``.

        Parameters
        ----------
        name
            Name of the play.
        meta
            The fields of the play as read from yml.

        Raises
        ------
        DefinitionError
            When fields are missing, unknown or wrong; one sentence for each of them.
        """
        _raise_meta_problems(name, meta)
        fields = dict(meta)
        fields["channels"] = tuple(meta["channels"])
        fields["legal_basis"] = bases_by_channel(meta)
        share = float(meta["prior_incremental_response_share"])
        fields["prior_incremental_response_share"] = share
        return cls(name=name, **fields)


def _raise_meta_problems(name: str, meta: Mapping[str, Any]) -> None:
    problems = find_meta_problems(name, meta)
    if problems:
        raise DefinitionError(" ".join(problems))


@dataclass(frozen=True)
class ChannelDefinition:
    """A channel: what one contact costs and how many it can carry in a day.

    ``daily_capacity`` is None for a channel without a limit; ``unit_cost`` is in the run's
    reporting currency.
    """

    name: str
    unit_cost: float
    daily_capacity: int | None = None

    def __post_init__(self) -> None:
        """Refuse unknown channels, negative costs and negative capacities."""
        if self.name not in CONTACT_CHANNELS:
            raise DefinitionError(
                f"Channel '{self.name}' is unknown; use one of {', '.join(CONTACT_CHANNELS)}."
            )
        if not (math.isfinite(self.unit_cost) and self.unit_cost >= 0):
            raise DefinitionError(
                f"Channel '{self.name}': unit_cost is {self.unit_cost}; "
                "give an amount of zero or more."
            )
        if self.daily_capacity is not None and self.daily_capacity < 0:
            raise DefinitionError(
                f"Channel '{self.name}': daily_capacity is {self.daily_capacity}; give zero or "
                "more contacts, or leave it out when there is no limit."
            )


@dataclass(frozen=True)
class PlanPolicy:
    """The rules that hold for all plays.

    Attributes
    ----------
    max_contacts_per_day, max_contacts_per_7d, max_contacts_per_30d
        Caps for one customer over all plays and channels, in calendar days that end with the day
        of sending.
    universal_holdout_share, play_holdout_share
        Shares of the customers that are never contacted at all, or never by one play.
    default_send_hour
        Hour for customers without a preferred hour.
    earliest_send_hour, latest_send_hour
        Preferred hours outside these are moved to the nearer one.
    is_sunday_quiet
        Whether a plan made for a Sunday is sent on Monday.
    no_discount_cells
        RFM cells whose customers never get a play with a discount.
    suppression_rules
        All suppression rules in order of precedence: the first that applies is the first reason
        code. They may be put in another order, none may be left out.
    """

    max_contacts_per_day: int = 1
    max_contacts_per_7d: int = 2
    max_contacts_per_30d: int = 6
    universal_holdout_share: float = 0.05
    play_holdout_share: float = 0.10
    default_send_hour: int = 10
    earliest_send_hour: int = 9
    latest_send_hour: int = 20
    is_sunday_quiet: bool = True
    no_discount_cells: tuple[str, ...] = ("555",)
    suppression_rules: tuple[str, ...] = SUPPRESSION_REASONS

    def __post_init__(self) -> None:
        """Refuse contradictory or unreachable rules."""
        caps = (self.max_contacts_per_day, self.max_contacts_per_7d, self.max_contacts_per_30d)
        if not 1 <= caps[0] <= caps[1] <= caps[2]:
            raise DefinitionError(
                f"Plan policy: the caps per day, 7 days and 30 days are {caps}; they must be at "
                "least 1 and must not fall as the period grows, else one makes another unreachable."
            )
        for name in ("universal_holdout_share", "play_holdout_share"):
            share = getattr(self, name)
            if not 0 <= share < 1:
                raise DefinitionError(
                    f"Plan policy: {name} is {share}; give a share of at least 0 and below 1."
                )
        hours = (self.earliest_send_hour, self.default_send_hour, self.latest_send_hour)
        if not 0 <= hours[0] <= hours[1] <= hours[2] <= 23:
            raise DefinitionError(
                f"Plan policy: the earliest, default and latest send hours are {hours}; they must "
                "lie in 0..23 in this order."
            )
        if sorted(self.suppression_rules) != sorted(SUPPRESSION_REASONS):
            raise DefinitionError(
                "Plan policy: suppression_rules must hold each of these rules once, in the order "
                f"of precedence that you want: {', '.join(SUPPRESSION_REASONS)}."
            )
