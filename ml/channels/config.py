"""Frozen configuration of the channel models, with the reason for each default.

Definitions only; nothing here estimates or ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL_VERSION = "1.0.0"
INCREMENTAL, ATTRIBUTED, BASE_RATE = "incremental", "attributed", "base_rate"


class ChannelError(ValueError):
    """The input or configuration can't be used; the sentence says what to do."""


@dataclass(frozen=True)
class ChannelConfig:
    """
    How channels are compared.

    Parameters
    ----------
    outcome_days
        Days after a message in which a purchase or click counts; younger messages are not used.
    value_per_conversion
        What a purchase is worth where the customer's own value isn't given, in reporting currency.
    engagement_value
        What a click or a person's opening is worth as a share of a purchase: it breaks ties between
        channels that sell alike.
    exploration_share
        Share of customers with two channels or more who get another than the best one, so that the
        others don't stay unknown.
    min_messages
        Messages of a channel from which it is judged at all.
    confidence
        Of intervals.
    """

    outcome_days: float = 7.0
    value_per_conversion: float = 30.0
    engagement_value: float = 0.01
    exploration_share: float = 0.05
    min_messages: int = 100
    confidence: float = 0.90

    def __post_init__(self) -> None:
        """Refuse values under which the results would mean nothing."""
        if self.outcome_days < 0 or self.value_per_conversion <= 0 or self.engagement_value < 0:
            raise ChannelError(
                "outcome_days and engagement_value must not be negative and value_per_conversion must "
                "be above 0."
            )
        if not 0 <= self.exploration_share < 0.5 or not 0.5 <= self.confidence < 1:
            raise ChannelError("exploration_share must be in [0, 0.5) and confidence in [0.5, 1).")
        if self.min_messages < 1:
            raise ChannelError("min_messages must be at least 1.")
