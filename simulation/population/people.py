"""Puts the population together: the people frame, the traits nobody delivers, and their arrays.

Each part is drawn in its own module; memberships and behaviour follow in `behaviour`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.config import SimulationConfig
from simulation.frames import NO_ID, PEOPLE, categorical
from simulation.population.addresses import Addresses, draw_addresses
from simulation.population.contacts import (
    EmailMaker,
    draw_has_email,
    draw_landlines,
    draw_mobiles,
    make_unique,
    share_emails,
)
from simulation.population.geography import Geography
from simulation.population.households import DAYS_PER_YEAR, ROLES, Households, draw_households
from simulation.population.names import draw_names
from simulation.population.national_ids import draw_national_ids
from simulation.randomness import Booleans, Floats, Integers, Times, spread_numbers, stream

HomeDraw = Callable[[np.random.Generator, Integers, Integers], Integers]

# Moves and new e-mail addresses are drawn once for as long as a market may be continued.
PLANNED_YEARS: Final = 8
_ADULT_AGE: Final = 18.0
_ROBINSON_SHARE: Final = 0.03
_INCOME_DEVIATION: Final = 0.35
_STAY_IN_MUNICIPALITY: Final = 0.6
_STAY_IN_PROVINCE: Final = 0.9


@dataclass(frozen=True)
class Population:
    """The people frame and the arrays behaviour works on, by person."""

    people: pd.DataFrame
    households: Households
    is_adult: Booleans
    income_index: Floats
    province: Integers
    municipality: Integers
    has_email: Booleans
    has_mobile: Booleans
    privacy_attitude: Floats  # 0 ticks every box, 1 none


def build_population(
    config: SimulationConfig,
    geography: Geography,
    home_stores: HomeDraw,
    home_dealers: HomeDraw,
) -> Population:
    """Return the population of a market.

    Parameters
    ----------
    config
        Size and seed.
    geography
        Where people live.
    home_stores, home_dealers
        Functions of a generator, municipalities and provinces that return a home store or dealer.
    """
    households = draw_households(stream(config.seed, "households"), config.people, config.start)
    age_in_2012 = households.age_years - (config.start - date(2012, 1, 1)).days / DAYS_PER_YEAR
    names = draw_names(
        stream(config.seed, "names"), households, config.foreign_household_share, age_in_2012
    )
    places = _Places(config, geography, households)
    contacts = _contacts(config, households, EmailMaker(names, _birth_year(households)))
    privacy = stream(config.seed, "privacy").random(config.people)
    codes = _system_codes(config, households)
    rng = stream(config.seed, "homes")
    columns: dict[str, Any] = {
        "person_id": np.arange(config.people),
        "household_id": households.household,
        "household_role": categorical(households.role, ROLES),
        "given_name": names.given_name,
        "surname_1": names.surname_1,
        "surname_2": names.surname_2,
        "gender": categorical((~households.is_female).astype(np.int8), ["F", "M"]),
        "birth_date": households.birth_date,
        "national_id": draw_national_ids(stream(config.seed, "national ids"), names.is_foreign),
        "is_foreign": names.is_foreign,
        **contacts,
        "landline": places.landlines,
        **places.columns,
        **codes,
        "home_store_id": home_stores(rng, places.municipality, places.province),
        "home_dealer_id": home_dealers(rng, places.municipality, places.province),
        **_accepted(config, privacy),
        **_robinson(config, households.age_years, privacy),
    }
    people = PEOPLE.build(columns)
    return Population(
        people=people,
        households=households,
        is_adult=households.age_years >= _ADULT_AGE,
        income_index=places.income_index,
        province=places.province,
        municipality=places.municipality,
        has_email=people["email"].notna().to_numpy(),
        has_mobile=people["mobile"].notna().to_numpy(),
        privacy_attitude=privacy,
    )


class _Places:
    """Addresses before and after a household's move, landlines and incomes."""

    def __init__(
        self, config: SimulationConfig, geography: Geography, households: Households
    ) -> None:
        rng = stream(config.seed, "addresses")
        count = len(households.size)
        municipality = geography.draw_municipalities(rng, count)
        province = geography.municipality_province[municipality]
        current = draw_addresses(rng, geography, municipality)
        head_age = households.age_years[households.first]
        has_landline = rng.random(count) < np.where(head_age > 60, 0.62, 0.25)
        landlines = draw_landlines(rng, province, has_landline)
        moved_on, following = self._moves(config, geography, municipality)
        rows = households.household
        self.columns = {
            **current.take(rows).columns(geography),
            "moved_on": moved_on[rows],
            **following.take(np.where(np.isnat(moved_on[rows]), -1, rows)).columns(
                geography, prefix="next_"
            ),
        }
        self.landlines = landlines.iloc[rows].array
        self.municipality = municipality[rows]
        self.province = province[rows]
        income = geography.income_per_person[municipality]
        national = np.average(geography.income_per_person, weights=geography.population)
        own = rng.lognormal(-0.5 * _INCOME_DEVIATION**2, _INCOME_DEVIATION, count)
        self.income_index = (income / national * own)[rows]

    @staticmethod
    def _moves(
        config: SimulationConfig, geography: Geography, municipality: Integers
    ) -> tuple[Times, Addresses]:
        rng = stream(config.seed, "moves")
        count = len(municipality)
        moved_on = _planned_dates(rng, config.start, count, config.moves_per_year)
        distance = rng.random(count)
        province = geography.municipality_province[municipality]
        following = np.select(
            [distance < _STAY_IN_MUNICIPALITY, distance < _STAY_IN_PROVINCE],
            [municipality, geography.draw_in_province(rng, province)],
            geography.draw_municipalities(rng, count),
        )
        return moved_on, draw_addresses(rng, geography, following)


def _planned_dates(
    rng: np.random.Generator, start: date, count: int, rate_per_year: float
) -> Times:
    """Return days of events at a yearly rate; NaT beyond the planned years."""
    years = rng.exponential(1.0 / max(rate_per_year, 1e-9), count)
    days = np.minimum(years, PLANNED_YEARS + 1) * DAYS_PER_YEAR + 1
    planned = np.datetime64(start, "D") + days.astype("timedelta64[D]")
    planned[years > PLANNED_YEARS] = np.datetime64("NaT")
    return planned.astype("datetime64[us]")


def _birth_year(households: Households) -> Integers:
    return households.birth_date.astype("datetime64[Y]").astype(np.int64) + 1970


def _contacts(
    config: SimulationConfig, households: Households, maker: EmailMaker
) -> dict[str, Any]:
    rng = stream(config.seed, "contacts")
    people = config.people
    changed_on = _planned_dates(rng, config.start, people, config.email_changes_per_year)
    has_email = draw_has_email(rng, households.age_years)
    changed_on[~has_email] = np.datetime64("NaT")
    changers = np.flatnonzero(~np.isnat(changed_on))
    first = maker.make(rng, np.arange(people)).where(pd.Series(has_email))
    both = pd.concat([first, maker.make(rng, changers)], ignore_index=True)
    unique = make_unique(rng, both)
    email, is_shared = share_emails(rng, households, unique.iloc[:people])
    changed_on[is_shared] = np.datetime64("NaT")
    following = pd.Series(pd.NA, index=range(people), dtype="string[pyarrow]")
    following.iloc[changers] = unique.iloc[people:].array
    mobiles, is_mobile_shared = draw_mobiles(rng, households)
    return {
        "email": email.array,
        "is_email_shared": is_shared,
        "mobile": mobiles.array,
        "is_mobile_shared": is_mobile_shared,
        "email_changed_on": changed_on,
        "next_email": following.where(pd.Series(~np.isnat(changed_on))).array,
    }


def _system_codes(config: SimulationConfig, households: Households) -> dict[str, Integers]:
    rng = stream(config.seed, "codes")
    people = config.people
    takes_card = (rng.random(people) < 0.72) & (households.age_years >= _ADULT_AGE)
    card = spread_numbers(rng, people, 2_900_000_000_000, 2_999_999_999_999)
    return {
        "erp_code": spread_numbers(rng, people, 1_000_000, max(10_000_000, 4 * people)),
        "card_number": np.where(takes_card, card, NO_ID),
        "shopify_id": spread_numbers(rng, people, 6_100_000_000_000, 7_900_000_000_000),
        "dms_no": spread_numbers(rng, people, 100_000, max(1_000_000, 4 * people)),
    }


def _accepted(config: SimulationConfig, privacy: Floats) -> dict[str, Booleans]:
    rng = stream(config.seed, "consents")
    shares = {"email": 0.66, "sms": 0.42, "postal": 0.55, "phone": 0.30}
    return {
        # Half of the tick is the person's attitude, half the form of the day.
        f"accepts_{channel}": (privacy + rng.random(len(privacy))) / 2
        < np.where(share < 0.5, np.sqrt(share / 2), 1 - np.sqrt((1 - share) / 2))
        for channel, share in shares.items()
    }


def _robinson(config: SimulationConfig, age: Floats, privacy: Floats) -> dict[str, Times]:
    rng = stream(config.seed, "robinson")
    count = len(age)
    listed = (age >= _ADULT_AGE) & (rng.random(count) < _ROBINSON_SHARE * 2 * privacy)
    days = rng.integers(-1500, 365 * PLANNED_YEARS // 2, count).astype("timedelta64[D]")
    entry = (np.datetime64(config.start, "D") + days).astype("datetime64[us]")
    nothing = np.datetime64("NaT")
    return {
        f"robinson_{kind}_on": np.where(listed & (rng.random(count) < share), entry, nothing)
        for kind, share in {"email": 0.8, "phone": 0.6, "national_id": 0.4}.items()
    }
