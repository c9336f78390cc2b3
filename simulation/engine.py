"""The engine: builds the market, then yields what happens in it, one month or one day at a time.

Order of the processes and their random numbers stands here; behaviour itself is `behaviour`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from simulation.behaviour.assortment import Assortment
from simulation.behaviour.browsing import Browsing
from simulation.behaviour.campaigns import Campaigns
from simulation.behaviour.car_sales import CarSales
from simulation.behaviour.consents import consent_events
from simulation.behaviour.contracts import Contracts
from simulation.behaviour.electronics import Electronics
from simulation.behaviour.fleet import Fleet
from simulation.behaviour.forms import Forms
from simulation.behaviour.groceries import Groceries
from simulation.behaviour.page_flow import LEAD, SIGN_UP, PageFlow
from simulation.behaviour.participation import Memberships
from simulation.behaviour.prices import Prices
from simulation.behaviour.service import Service
from simulation.behaviour.shop_orders import ShopOrders
from simulation.behaviour.state import Columns, Process, Window
from simulation.behaviour.workshop import Workshop
from simulation.config import SimulationConfig
from simulation.frames import (
    CHANGED_PEOPLE,
    LATENT,
    NO_ID,
    RENEWALS,
    SLICE_FRAMES,
    WEB_EVENTS,
    WEB_SESSIONS,
    Slice,
    categorical,
    concatenate,
)
from simulation.market import build_market, flags
from simulation.randomness import Booleans, Integers

_CONFIG_FILE: Final = "config.json"
_FORMAT: Final = 1


class Simulation:
    """A market and its course; iterate `history` once, then `continue_for` as often as wanted.

    Parameters
    ----------
    config
        Size, time and rates.
    """

    def __init__(self, config: SimulationConfig) -> None:
        self.config = config
        self.simulated_until = config.start
        built = build_market(config)
        self.market = market = built.market
        population, participation = built.population, built.participation
        self._population = population
        self._buyers = participation.electronics_buyers
        people = len(market.people)
        self._members = Memberships(people)
        self._campaigns = Campaigns(config, population, built.reactions)
        self._prices = Prices(market.items)
        self._groceries = Groceries(
            config, population, participation.shoppers, market.items, len(market.stores)
        )
        assortment = Assortment(market.products)
        self._electronics = Electronics(config, self._buyers, people, assortment)
        old = self._buyers[~np.isnat(self._electronics.account_since)]
        self._browsing = Browsing(config, population, self._buyers)
        self._page_flow = PageFlow(assortment, market.contents)
        self._shop_orders = ShopOrders(population, market.products, assortment, old)
        self._service = Service(population, market.products)
        self._forms = Forms(population, assortment, market.contents, self._buyers)
        self._fleet = Fleet(market.vehicle_models)
        self._workshop = Workshop(self._fleet)
        self._contracts = Contracts(
            self._fleet,
            market.vehicle_models["list_price"].to_numpy(),
            np.datetime64(config.start, "us"),
        )
        self._car_sales = CarSales(
            config,
            participation,
            market.vehicle_models,
            market.people["home_dealer_id"].to_numpy(),
            self._fleet,
            self._workshop,
            self._contracts,
        )
        self._landing_pages = _landing_pages(market.contents)
        self._has_line: dict[str, Booleans] = {
            "groceries": flags(people, participation.shoppers),
            "electronics": flags(people, self._buyers),
        }

    def history(self) -> Iterator[Slice]:
        """Yield the months of the history; the first and last may be cut by the start and end."""
        end = self.config.start + timedelta(days=self.config.days)
        while self.simulated_until < end:
            month_end = (self.simulated_until.replace(day=1) + timedelta(days=32)).replace(day=1)
            yield self._advance(min(month_end, end))

    def continue_for(self, days: int) -> Iterator[Slice]:
        """Yield ``days`` more days, one slice a day."""
        for _ in range(days):
            yield self._advance(self.simulated_until + timedelta(days=1))

    def latent(self) -> pd.DataFrame:
        """Return the latent parameters and states by person and line as of now (LATENT)."""
        window = self._window(self.simulated_until, self.simulated_until)
        parts = [
            process.latent(window)
            for process in (self._groceries, self._electronics, self._car_sales)
        ]
        return concatenate(LATENT, parts)

    def save(self, folder: Path) -> None:
        """Write the state a later process continues from: JSON and npz files, no pickles."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, process in self._processes().items():
            with (folder / f"{name}.npz").open("wb") as file:
                np.savez(file, allow_pickle=False, **process.state())
        settings = {**asdict(self.config), "start": self.config.start.isoformat()}
        document = {
            "format": _FORMAT,
            "config": settings,
            "simulated_until": self.simulated_until.isoformat(),
        }
        (folder / _CONFIG_FILE).write_text(json.dumps(document, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Simulation:
        """Return the simulation saved in ``folder``, market included.

        Raises
        ------
        FileNotFoundError
            When no state was saved there.
        """
        path = folder / _CONFIG_FILE
        if not path.exists():
            raise FileNotFoundError(
                f"No state of a simulated market in {folder}; simulate a history first."
            )
        document = json.loads(path.read_text(encoding="utf-8"))
        settings = {**document["config"], "start": date.fromisoformat(document["config"]["start"])}
        simulation = cls(SimulationConfig(**settings))
        simulation.simulated_until = date.fromisoformat(document["simulated_until"])
        for name, process in simulation._processes().items():
            with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
                process.restore({key: arrays[key] for key in arrays.files})
        return simulation

    def _processes(self) -> Mapping[str, Process]:
        return {
            "members": self._members,
            "campaigns": self._campaigns,
            "prices": self._prices,
            "groceries": self._groceries,
            "electronics": self._electronics,
            "browsing": self._browsing,
            "shop_orders": self._shop_orders,
            "service": self._service,
            "forms": self._forms,
            "fleet": self._fleet,
            "workshop": self._workshop,
            "contracts": self._contracts,
            "car_sales": self._car_sales,
        }

    def _window(self, start: date, end: date) -> Window:
        first, last, origin = (np.datetime64(day, "us") for day in (start, end, self.config.start))
        return Window(first, last, origin, self.config.seed)

    def _advance(self, end: date) -> Slice:
        window = self._window(self.simulated_until, end)
        has_line = {**self._has_line, "cars": flags(len(self.market.people), self._fleet.owners())}
        sent = self._campaigns.advance(window, self._members, has_line, self._landing_pages)
        frames = dict(sent.frames)
        driven = self._campaigns.take_conversions(window)
        frames["item_changes"] = self._prices.advance(window)
        frames["tickets"], frames["ticket_lines"] = self._groceries.advance(
            window, self._prices, self._members, driven["groceries"]
        )
        cars = self._car_sales.advance(window, self._members)
        frames["workshop_visits"] = self._workshop.advance(window, driven["cars"])
        shop = self._shop(window, driven["electronics"], sent.clicks)
        frames["renewals"] = concatenate(RENEWALS, [shop.pop("renewals"), cars.pop("renewals")])
        frames.update(cars)
        frames.update(shop)
        frames["submissions"] = self._forms.advance(
            window, _test_drives(cars["leads"]), self._browsing
        )
        self._show_forms(window, frames)
        self._subscribe(window, frames["submissions"])
        frames["cases"] = self._service.advance(
            window, np.flatnonzero(self._members.is_member("ecommerce"))
        )
        frames["consent_events"] = consent_events(
            window, self._members, self._campaigns, sent.withdrawals, frames["submissions"]
        )
        frames["new_members"] = joined = self._members.new_members()
        pending = (joined["system"] == "mailing") & ~joined["is_confirmed"]
        self._campaigns.hold(joined["person_id"].to_numpy()[pending.to_numpy()])
        frames["changed_people"] = self._changed_people(window)
        self.simulated_until = end
        ordered = {schema.name: frames[schema.name] for schema in SLICE_FRAMES}
        return Slice(window.start, window.end, ordered)

    def _shop(self, window: Window, driven: Columns, clicks: Columns) -> dict[str, pd.DataFrame]:
        """Run the electronics web: purchases, visits, orders, and what they will lead to."""
        rng = window.rng("shop")
        planned, renewals = self._electronics.plan(window, driven)
        self._browsing.plan(window, planned)
        purchases = self._electronics.take_purchases(window)
        if window.is_first:
            since = self._electronics.account_since
            old = ~np.isnat(since)
            self._members.join("ecommerce", self._buyers[old], since[old])
        bought = self._shop_orders.choose(rng, purchases)
        visits = self._browsing.visits(window, purchases, clicks)
        details = {"order": bought.order, "product": bought.first_products()}
        events, bought_at = self._page_flow.events(rng, visits, details)
        orders, lines = self._shop_orders.frames(rng, purchases, bought, visits, bought_at)
        self._members.join("ecommerce", purchases["person"], orders["created_at"].to_numpy())
        self._service.plan(window, orders, lines)
        self._forms.plan(window, orders, lines)
        since = self._members.since("ecommerce")
        return {
            "shop_orders": orders,
            "shop_order_lines": lines,
            "refunds": self._shop_orders.due_refunds(window),
            "web_sessions": self._browsing.sessions(visits, since),
            "web_events": events,
            "renewals": renewals,
        }

    def _show_forms(self, window: Window, frames: dict[str, pd.DataFrame]) -> None:
        """Add the visits in which the slice's forms were sent."""
        submissions = frames["submissions"]
        at = submissions["submitted_at"].to_numpy()
        visits = self._browsing.form_visits(
            window, submissions["person_id"].to_numpy(), at, submissions["device_id"].to_numpy()
        )
        form = submissions["form_type"].astype(str)
        name = np.select([form == "newsletter", form == "test_drive"], [SIGN_UP, LEAD], NO_ID)
        page = submissions["content_id"].to_numpy()
        sessions = self._browsing.sessions(visits, self._members.since("ecommerce"))
        events = self._page_flow.form_events(visits, page, at, name)
        for schema, added in ((WEB_SESSIONS, sessions), (WEB_EVENTS, events)):
            frames[schema.name] = concatenate(schema, [frames[schema.name], added])

    def _subscribe(self, window: Window, submissions: pd.DataFrame) -> None:
        """Put new members who accept e-mail, and those who asked by form, into the audience."""
        self._members.join_mailing(window, self._population)
        given = submissions[submissions["accepts_email"].to_numpy()]
        self._members.join(
            "mailing",
            given["person_id"].to_numpy(),
            given["submitted_at"].to_numpy(),
            (given["double_opt_in"] == "confirmed").to_numpy(),
        )

    def _changed_people(self, window: Window) -> pd.DataFrame:
        people = self.market.people
        rows: list[Integers] = []
        for column in ("moved_on", "email_changed_on"):
            at = people[column].to_numpy()
            rows.append(np.flatnonzero((at >= window.start) & (at < window.end)))
        moved, renamed = rows
        kind = np.concatenate([np.zeros(len(moved)), np.ones(len(renamed))]).astype(np.int8)
        return CHANGED_PEOPLE.build(
            {
                "person_id": np.concatenate([moved, renamed]),
                "kind": categorical(kind, ["move", "email"]),
                "changed_at": np.concatenate(
                    [
                        people["moved_on"].to_numpy()[moved],
                        people["email_changed_on"].to_numpy()[renamed],
                    ]
                ),
            }
        )


def _test_drives(leads: pd.DataFrame) -> pd.DataFrame:
    opened = (leads["status"] == "open") & (leads["source"] == "test_drive")
    return leads[opened.to_numpy()]


def _landing_pages(contents: pd.DataFrame) -> dict[str, int]:
    pages = contents[(contents["content_group"] == "landing") & contents["category"].notna()]
    return {
        str(name): int(number)
        for name, number in zip(pages["category"], pages["content_id"], strict=True)
    }
