"""The people of the market: households, names, numbers, addresses and contact data.

Who people are, not what they do (`simulation.behaviour`).
"""

from simulation.population.people import HomeDraw, Population, build_population

__all__ = ["HomeDraw", "Population", "build_population"]
