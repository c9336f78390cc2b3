"""Selling cars: renewal of owners, leads and their ends, orders, deliveries, trade-ins.

The vehicles are `fleet`; servicing them is `workshop`, contracts and warranties `contracts`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.behaviour.contracts import Contracts
from simulation.behaviour.daytime import OFFICE_HOURS, draw_time_of_day
from simulation.behaviour.fleet import DAYS_PER_YEAR, Fleet
from simulation.behaviour.participation import Memberships, Participation
from simulation.behaviour.state import (
    DAY,
    NEVER,
    Columns,
    Pool,
    StatefulProcess,
    Window,
    at_days,
    shifted,
)
from simulation.behaviour.workshop import Workshop
from simulation.config import SimulationConfig
from simulation.frames import (
    FINANCE_CONTRACTS,
    LATENT,
    LEADS,
    NO_ID,
    RENEWALS,
    VEHICLE_ORDERS,
    VEHICLES,
    WARRANTIES,
    categorical,
    concatenate,
    constant,
)
from simulation.randomness import Booleans, Integers, Times, WeightedDraw, stream

RENEWAL_SHAPE: Final = 2.6
RENEWAL_YEARS: Final = 7.5
RENEWS_WITH_US: Final = 0.55
_ASKS_US_BEFORE_LEAVING: Final = 0.35
_OLDEST_YEARS: Final = 15.0
_PROSPECT_LEADS_PER_YEAR: Final = 0.06
_PROSPECT_WINS: Final = 0.22
_USED_SHARE: Final = 0.3
_CANCELLED_SHARE: Final = 0.04
_SOURCES: Final = ("web", "store", "phone", "test_drive", "campaign")
_LOST: Final = ("precio", "otra marca", "aplaza la compra", "no contesta", "plazo de entrega")
_STATUSES: Final = ("open", "won", "lost")
_ORDER_STATUSES: Final = ("ordered", "delivered", "cancelled")
TEST_DRIVE: Final = 3

_LEAD_COLUMNS: Final = {
    "at": "datetime64[us]",
    "lead": "int64",
    "person": "int64",
    "source": "int8",
    "model": "int64",
    "dealer": "int64",
    "created": "datetime64[us]",
    "wins": "bool",
    "old": "int64",
}
_ORDER_COLUMNS: Final = {
    "at": "datetime64[us]",
    "order": "int64",
    "person": "int64",
    "vehicle": "int64",
    "lead": "int64",
    "dealer": "int64",
    "used": "bool",
    "cancelled": "bool",
    "list_price": "float64",
    "discount": "float64",
    "ordered": "datetime64[us]",
    "old": "int64",
}


class CarSales(StatefulProcess):
    """Leads under way, orders under way, the stock of used cars."""

    arrays = ("stock",)
    pools = ("closing", "deliveries")
    counters = ("next_lead", "next_order")

    def __init__(
        self,
        config: SimulationConfig,
        participation: Participation,
        models: pd.DataFrame,
        home_dealer: Integers,
        fleet: Fleet,
        workshop: Workshop,
        contracts: Contracts,
    ) -> None:
        self._prospects = participation.car_prospects
        self._home_dealer = home_dealer
        self._fleet, self._workshop, self._contracts = fleet, workshop, contracts
        self._list_price = models["list_price"].to_numpy()
        self._origin = np.datetime64(config.start, "us")
        self.stock: Integers = np.empty(0, dtype=np.int64)
        self.next_lead, self.next_order = 200_001, 300_001
        self.closing = Pool(_LEAD_COLUMNS)
        self.deliveries = Pool(_ORDER_COLUMNS)
        self._first_fleet(config, participation.drivers)

    def _first_fleet(self, config: SimulationConfig, drivers: Integers) -> None:
        """Vehicles 0 to 15 years old whose owners the dealers know at the start."""
        rng = stream(config.seed, "fleet")
        owner = np.concatenate([drivers, drivers[rng.random(len(drivers)) < 0.15]])
        count = len(owner)
        age = np.minimum(rng.weibull(1.5, count) * 6.5, _OLDEST_YEARS * rng.random(count) ** 0.1)
        registered = self._origin - np.ceil(age * DAYS_PER_YEAR).astype(np.int64) * DAY
        is_second_hand = (rng.random(count) < 0.25) & (age > 1.5)
        held = np.where(is_second_hand, age * rng.random(count), age)
        acquired = self._origin - np.ceil(held * DAYS_PER_YEAR).astype(np.int64) * DAY
        scale = RENEWAL_YEARS
        life = scale * ((held / scale) ** RENEWAL_SHAPE + rng.exponential(size=count)) ** (
            1 / RENEWAL_SHAPE
        )
        vehicle = self._fleet.add(
            model=rng.integers(0, len(self._list_price), count),
            registered_on=registered,
            is_new=~is_second_hand,
            owner=owner,
            acquired_at=draw_time_of_day(rng, acquired, OFFICE_HOURS),
            sold_at=NEVER,
            km_per_year=rng.lognormal(9.35, 0.45, count),
            loyalty=rng.beta(6.0, 2.0, count),
            dealer=self._home_dealer[owner],
            renewal_day=(life - held) * DAYS_PER_YEAR,
            maintenance_day=np.inf,
            inspection_day=np.inf,
            repair_day=np.inf,
            tyres_day=np.inf,
        )
        self._workshop.schedule(rng, self._origin, vehicle, np.full(count, self._origin))
        # Their yearly maintenance is somewhere in its cycle.
        self._fleet.maintenance_day[vehicle] *= rng.random(count)
        self._fleet.tyres_day[vehicle] *= rng.random(count)

    def advance(self, window: Window, members: Memberships) -> dict[str, pd.DataFrame]:
        """Return leads, orders, vehicles, contracts, warranties and renewals of a slice."""
        rng = window.rng("car sales")
        changed: list[pd.DataFrame] = []
        warranties: list[pd.DataFrame] = []
        contracts: list[pd.DataFrame] = []
        if window.is_first:
            everything = np.arange(len(self._fleet))
            changed.append(self._fleet.frame(everything, self._fleet.acquired_at))
            warranties.append(self._contracts.warranties(rng, everything))
            contracts.append(self._contracts.old_contracts(rng, everything))
            members.join("dms", self._fleet.owner, self._fleet.acquired_at)
        opened = self._open_leads(rng, window)
        closed, ordered, bought_from_stock = self._close_leads(rng, window, members)
        changed.append(bought_from_stock)
        delivered, renewed = self._deliver(rng, window, changed, warranties, contracts)
        contracts.append(self._contracts.end_contracts(window))
        return {
            "leads": concatenate(LEADS, [opened, closed]),
            "vehicle_orders": concatenate(VEHICLE_ORDERS, [ordered, delivered]),
            "vehicles": concatenate(VEHICLES, changed),
            "finance_contracts": concatenate(FINANCE_CONTRACTS, contracts),
            "warranties": concatenate(WARRANTIES, warranties),
            "renewals": renewed,
        }

    def _open_leads(self, rng: np.random.Generator, window: Window) -> pd.DataFrame:
        fleet = self._fleet
        due = np.flatnonzero(fleet.renewal_day < window.end_day)
        day = np.maximum(fleet.renewal_day[due], window.first_day)
        fleet.renewal_day[due] = np.inf
        wins = rng.random(len(due)) < RENEWS_WITH_US
        asks = wins | (rng.random(len(due)) < _ASKS_US_BEFORE_LEAVING)
        # Whoever leaves stops coming: the group isn't told.
        fleet.retire(due[~wins], np.full(int((~wins).sum()), NEVER))
        rate = _PROSPECT_LEADS_PER_YEAR / 365.0 * window.days * len(self._prospects)
        count = rng.poisson(rate)
        stranger = self._prospects[rng.integers(0, max(len(self._prospects), 1), count)]
        person = np.concatenate([fleet.owner[due[asks]], stranger])
        old = np.concatenate([due[asks], np.full(count, NO_ID)])
        wins = np.concatenate([wins[asks], rng.random(count) < _PROSPECT_WINS])
        days = np.concatenate(
            [day[asks], rng.integers(window.first_day, window.end_day, count).astype(np.float64)]
        )
        created = draw_time_of_day(
            rng, window.origin + np.floor(days).astype(int) * DAY, OFFICE_HOURS
        )
        total = len(person)
        lead = {
            "lead": self.numbers("next_lead", total),
            "person": person,
            "source": WeightedDraw((0.38, 0.24, 0.10, 0.22, 0.06))(rng, total).astype(np.int8),
            "model": rng.integers(0, len(self._list_price), total),
            "dealer": self._home_dealer[person],
            "created": created,
            "wins": wins,
            "old": old,
        }
        wait = np.where(wins, rng.integers(5, 46, total), rng.integers(10, 75, total))
        self.closing.push(at=created + wait * DAY, **lead)
        nothing = np.full(total, NO_ID)
        return self._lead_frame(lead, old >= 0, np.zeros(total, np.int8), nothing, created, NEVER)

    def _close_leads(
        self, rng: np.random.Generator, window: Window, members: Memberships
    ) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
        due = self.closing.take_until(window.end)
        order = np.argsort(due["at"], kind="stable")
        due = {name: values[order] for name, values in due.items()}
        total = len(order)
        status = np.where(due["wins"], 1, 2).astype(np.int8)
        reason = np.where(due["wins"], NO_ID, rng.integers(0, len(_LOST), total))
        is_customer = ~np.isnat(members.since("dms")[due["person"]]) | due["wins"]
        closed = self._lead_frame(due, is_customer, status, reason, due["at"], due["at"])
        won = {name: values[due["wins"]] for name, values in due.items()}
        members.join("dms", won["person"], won["at"])
        ordered, changed = self._order(rng, won)
        return closed, ordered, changed

    def _lead_frame(
        self,
        lead: Columns,
        is_customer: Booleans,
        status: Any,  # noqa: ANN401
        reason: Integers,
        updated: Times,
        closed: Any,  # noqa: ANN401
    ) -> pd.DataFrame:
        total = len(lead["lead"])
        return LEADS.build(
            {
                "lead_id": lead["lead"],
                "person_id": lead["person"],
                "is_customer": is_customer,
                "source": categorical(lead["source"], _SOURCES),
                "model_id": lead["model"],
                "dealer_id": lead["dealer"],
                "status": categorical(status, _STATUSES),
                "lost_reason": categorical(reason, _LOST),
                "created_at": lead["created"],
                "closed_at": np.broadcast_to(np.asarray(closed), total),
                "updated_at": updated,
                "campaign_id": np.full(total, NO_ID),
            }
        )

    def _order(self, rng: np.random.Generator, won: Columns) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Order a new car, or a used one while stock lasts."""
        fleet, total = self._fleet, len(won["lead"])
        wants_used = np.flatnonzero(rng.random(total) < _USED_SHARE)
        wants_used = wants_used[: len(self.stock)]
        used = np.full(total, False)
        used[wants_used] = True
        vehicle = np.empty(total, dtype=np.int64)
        vehicle[wants_used] = self.stock[: len(wants_used)]
        self.stock = self.stock[len(wants_used) :]
        new = np.flatnonzero(~used)
        wait = rng.integers(20, 95, total)
        wait[wants_used] = rng.integers(4, 20, len(wants_used))
        delivery = draw_time_of_day(rng, shifted(won["at"], wait, DAY), OFFICE_HOURS)
        vehicle[new] = fleet.add(
            model=won["model"][new],
            registered_on=delivery[new].astype("datetime64[D]") - DAY,
            is_new=True,
            owner=NO_ID,
            acquired_at=NEVER,
            sold_at=NEVER,
            km_per_year=rng.lognormal(9.35, 0.45, len(new)),
            loyalty=rng.beta(6.0, 2.0, len(new)),
            dealer=won["dealer"][new],
            renewal_day=np.inf,
            maintenance_day=np.inf,
            inspection_day=np.inf,
            repair_day=np.inf,
            tyres_day=np.inf,
        )
        age = (won["at"] - fleet.registered_on[vehicle]) / DAY / DAYS_PER_YEAR
        value = np.where(used, 0.82 * 0.88 ** np.maximum(age, 0.0), 1.0)
        price = np.round(self._list_price[fleet.model[vehicle]] * value, -1)
        discount = np.round(price * np.where(used, 0.03, rng.uniform(0.04, 0.14, total)), -1)
        order: Columns = {
            "order": self.numbers("next_order", total),
            "person": won["person"],
            "vehicle": vehicle,
            "lead": won["lead"],
            "dealer": won["dealer"],
            "used": used,
            "cancelled": rng.random(total) < _CANCELLED_SHARE,
            "list_price": price,
            "discount": discount,
            "ordered": won["at"],
            "old": won["old"],
        }
        self.deliveries.push(at=delivery, **order)
        changed = fleet.frame(vehicle[wants_used], won["at"][wants_used])
        status = np.zeros(total, dtype=np.int8)
        return self._order_frame(order, status, NEVER, won["at"]), changed

    def _order_frame(
        self,
        order: Columns,
        status: Any,  # noqa: ANN401
        delivered: Any,  # noqa: ANN401
        updated: Times,
    ) -> pd.DataFrame:
        total = len(order["order"])
        return VEHICLE_ORDERS.build(
            {
                "vehicle_order_id": order["order"],
                "person_id": order["person"],
                "vehicle_id": order["vehicle"],
                "vin": self._fleet.vin(order["vehicle"]),
                "dealer_id": order["dealer"],
                "lead_id": order["lead"],
                "kind": categorical(order["used"].astype(np.int8), ["new", "used"]),
                "status": categorical(status, _ORDER_STATUSES),
                "list_price": order["list_price"],
                "discount": order["discount"],
                "net_price": order["list_price"] - order["discount"],
                "ordered_at": order["ordered"],
                "delivered_at": np.broadcast_to(np.asarray(delivered), total),
                "updated_at": updated,
            }
        )

    def _deliver(
        self,
        rng: np.random.Generator,
        window: Window,
        changed: list[pd.DataFrame],
        warranties: list[pd.DataFrame],
        contracts: list[pd.DataFrame],
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Hand vehicles over; the old car stays with the dealer and goes into stock."""
        fleet = self._fleet
        due = self.deliveries.take_until(window.end)
        status = np.where(due["cancelled"], 2, 1).astype(np.int8)
        delivered = np.where(due["cancelled"], NEVER, due["at"])
        orders = self._order_frame(due, status, delivered, due["at"])
        lost = due["vehicle"][due["cancelled"] & due["used"]]
        kept = ~due["cancelled"]
        due = {name: values[kept] for name, values in due.items()}
        vehicle, at = due["vehicle"], due["at"]
        life = np.maximum(RENEWAL_YEARS * rng.weibull(RENEWAL_SHAPE, len(vehicle)), 0.3)
        renewal_day = window.day_numbers(at) + life * DAYS_PER_YEAR
        fleet.owner[vehicle] = due["person"]
        fleet.acquired_at[vehicle], fleet.sold_at[vehicle] = at, NEVER
        fleet.dealer[vehicle] = due["dealer"]
        fleet.renewal_day[vehicle] = renewal_day
        self._workshop.schedule(rng, window.origin, vehicle, at)
        changed.append(fleet.frame(vehicle, at))
        traded = due["old"] >= 0
        old = due["old"][traded]
        fleet.retire(old, at[traded])
        changed.append(fleet.frame(old, at[traded]))
        self.stock = np.concatenate([self.stock, lost, old])
        new = vehicle[~due["used"]]
        warranties.append(self._contracts.warranties(rng, new))
        contracts.append(self._contracts.finance(rng, due))
        return orders, RENEWALS.build(
            {
                "person_id": due["person"],
                "line": constant("cars", len(vehicle)),
                "category": constant("cars", len(vehicle)),
                "bought_at": at,
                "next_at": at_days(window.origin, renewal_day),
            }
        )

    def latent(self, window: Window) -> pd.DataFrame:
        """Return states of the current owners, one row an owner (LATENT)."""
        fleet = self._fleet
        held = np.flatnonzero((fleet.owner >= 0) & np.isfinite(fleet.maintenance_day))
        owner, first = np.unique(fleet.owner[held], return_index=True)
        vehicle = held[first]
        count = len(owner)
        nothing = np.full(count, np.nan)
        return LATENT.build(
            {
                "person_id": owner,
                "line": constant("cars", count),
                "joined_at": fleet.acquired_at[vehicle],
                "purchase_rate_per_day": nothing,
                "regularity_k": nothing,
                "dropout_probability": np.full(count, 1.0 - RENEWS_WITH_US),
                "mean_spend": nothing,
                "archetype": constant(None, count),
                "purchases": np.ones(count, dtype=np.int64),
                "last_purchase_at": fleet.acquired_at[vehicle],
                "churned_at": np.full(count, NEVER),
                "next_purchase_at": at_days(window.origin, fleet.renewal_day[vehicle]),
            }
        )
