"""Channels: by which one a message to a customer earns most, and which ones serve the base.

Frames and a seed in, frames out. Consent comes in as the list of what is allowed; capacities are the
contact plan's matter.
"""

from ml.channels.config import MODEL_VERSION, ChannelConfig, ChannelError
from ml.channels.estimate import ChannelInputs, ChannelResult, estimate_channels

__all__ = [
    "MODEL_VERSION",
    "ChannelConfig",
    "ChannelError",
    "ChannelInputs",
    "ChannelResult",
    "estimate_channels",
]
