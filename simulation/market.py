"""Builds the market: geography, offer and people, and the truth about the people.

What happens in it is `engine` and `behaviour`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from simulation.behaviour.participation import Participation, draw_participation
from simulation.behaviour.service import service_questions
from simulation.behaviour.uplift import Reactions, draw_reactions, uplift_categorical
from simulation.catalogue.cars import build_dealers, build_vehicle_models
from simulation.catalogue.electronics import build_products
from simulation.catalogue.groceries import build_items, build_stores
from simulation.catalogue.web_contents import build_contents
from simulation.config import SimulationConfig
from simulation.frames import TRUE_PEOPLE, Market
from simulation.population import HomeDraw, Population, build_population
from simulation.population.geography import Geography, load_geography
from simulation.randomness import Booleans, Floats, GroupedDraw, Integers


@dataclass(frozen=True)
class BuiltMarket:
    """The market with the arrays behaviour works on."""

    market: Market
    population: Population
    participation: Participation
    reactions: Reactions


def build_market(config: SimulationConfig) -> BuiltMarket:
    """Return the market of a configuration."""
    geography = load_geography()
    stores = build_stores(config.seed, config.start, config.people, geography)
    dealers = build_dealers(config.seed, config.people, geography)
    population = build_population(
        config, geography, _home_draw(stores, geography), _home_draw(dealers, geography)
    )
    participation = draw_participation(config, population)
    reactions = draw_reactions(config, population)
    market = Market(
        people=population.people,
        items=build_items(config.seed, config.start),
        stores=stores,
        dealers=dealers,
        products=build_products(config.seed, config.start),
        vehicle_models=build_vehicle_models(),
        contents=build_contents(),
        municipalities=geography.frame(),
        service_questions=service_questions(),
        true_people=_true_people(population, participation, reactions),
    )
    return BuiltMarket(market, population, participation, reactions)


def _home_draw(places: pd.DataFrame, geography: Geography) -> HomeDraw:
    """Return a draw of the store or dealer of a home: in its municipality, province, or nearby."""
    town = _positions(places["municipality_code"], geography.municipality_codes)
    province = _positions(places["province_code"], geography.province_codes)

    def draw(rng: np.random.Generator, towns: Integers, provinces: Integers) -> Integers:
        home = _draw_by(rng, province, _nearest(province, len(geography.province_codes))[provinces])
        has_own = np.isin(towns, town)
        home[has_own] = _draw_by(rng, town, towns[has_own])
        return home

    return draw


def _positions(codes: pd.Series, vocabulary: list[str]) -> Integers:
    return np.searchsorted(np.array(vocabulary), codes.astype(str).to_numpy()).astype(np.int64)


def _nearest(present: Integers, count: int) -> Integers:
    """Return the province with a place for each province: itself or the nearest by number."""
    distance = np.abs(np.arange(count)[:, None] - np.unique(present)[None, :])
    nearest: Integers = np.unique(present)[distance.argmin(axis=1)]
    return nearest


def _draw_by(rng: np.random.Generator, group: Integers, wanted: Integers) -> Integers:
    order = np.argsort(group, kind="stable")
    size = int(max(group.max(), wanted.max(initial=0))) + 1
    weights: Floats = np.ones(len(group))
    return order[GroupedDraw(group[order], weights, size)(rng, wanted)]


def _true_people(
    population: Population, participation: Participation, reactions: Reactions
) -> pd.DataFrame:
    count = len(population.people)
    return TRUE_PEOPLE.build(
        {
            "person_id": np.arange(count),
            "household_id": population.households.household,
            "income_index": population.income_index,
            "shops_groceries": flags(count, participation.shoppers),
            "shops_electronics": flags(count, participation.electronics_buyers),
            "drives_cars": flags(count, participation.drivers),
            "open_propensity": reactions.open_propensity,
            "click_propensity": reactions.click_propensity,
            "is_machine_opener": reactions.is_machine_opener,
            "has_mail_scanner": reactions.has_mail_scanner,
            "is_address_dead": reactions.is_address_dead,
            "uplift_type_email": uplift_categorical(reactions.uplift_type["email"]),
            "uplift_type_sms": uplift_categorical(reactions.uplift_type["sms"]),
        }
    )


def flags(count: int, rows: Integers) -> Booleans:
    """Return true at the given rows."""
    flag = np.zeros(count, dtype=bool)
    flag[rows] = True
    return flag
