"""A simulated Spanish market: people, what they do, and the truth behind it, as frames a time slice.

Nothing here reads a clock, the warehouse or the models; writing the systems' files is `writers`.
"""

from collections.abc import Iterator

from simulation.config import SimulationConfig
from simulation.engine import Simulation
from simulation.frames import Market, Slice

__all__ = ["Market", "Simulation", "SimulationConfig", "Slice", "simulate"]


def simulate(config: SimulationConfig) -> Iterator[Slice]:
    """Yield the months of a market's history; `Simulation` also gives market, truth and state."""
    return Simulation(config).history()
