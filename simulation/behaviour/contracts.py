"""Finance contracts and warranties of vehicles.

Who buys which vehicle is `car_sales`.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from simulation.behaviour.fleet import DAYS_PER_YEAR, Fleet
from simulation.behaviour.state import DAY, Columns, Pool, StatefulProcess, Window
from simulation.frames import FINANCE_CONTRACTS, WARRANTIES, categorical
from simulation.randomness import Floats, Integers, Times, WeightedDraw

_FINANCED_SHARE: Final = 0.62
_EXTENSION_SHARE: Final = 0.25
_MANUFACTURER_WARRANTY_YEARS: Final = 3
_PRODUCTS: Final = ("lineal", "balloon", "renting")


class Contracts(StatefulProcess):
    """Numbers contracts and warranties, and ends contracts when their time has come.

    Parameters
    ----------
    fleet
        The vehicles.
    list_price
        Price by model.
    origin
        First day of the history.
    """

    pools = ("ending",)
    counters = ("next_contract", "next_warranty")

    def __init__(self, fleet: Fleet, list_price: Floats, origin: np.datetime64) -> None:
        self._fleet, self._list_price, self._origin = fleet, list_price, origin
        self.next_contract, self.next_warranty = 400_001, 700_001
        self.ending = Pool({"at": "datetime64[us]", "contract": "int64"})
        self._contracts: list[Columns] = []

    def warranties(self, rng: np.random.Generator, vehicle: Integers) -> pd.DataFrame:
        """Return the warranties of vehicles (WARRANTIES)."""
        fleet = self._fleet
        starts = fleet.registered_on[vehicle]
        ends = _years_later(starts, _MANUFACTURER_WARRANTY_YEARS)
        extended = np.flatnonzero(rng.random(len(vehicle)) < _EXTENSION_SHARE)
        both = np.concatenate([vehicle, vehicle[extended]])
        begins = np.concatenate([starts, ends[extended]])
        kind = np.concatenate([np.zeros(len(vehicle)), np.ones(len(extended))]).astype(np.int8)
        sold = fleet.acquired_at[both]
        return WARRANTIES.build(
            {
                "warranty_id": self.numbers("next_warranty", len(both)),
                "vehicle_id": both,
                "vin": fleet.vin(both),
                "kind": categorical(kind, ["manufacturer", "extension"]),
                "starts_on": begins,
                "ends_on": np.concatenate([ends, _years_later(begins[len(vehicle) :], 2)]),
                "updated_at": sold,
            }
        )

    def old_contracts(self, rng: np.random.Generator, vehicle: Integers) -> pd.DataFrame:
        """Contracts of the cars bought before the start that still run."""
        fleet = self._fleet
        bought = fleet.acquired_at[vehicle]
        recent = (self._origin - bought) / DAY < 3.5 * DAYS_PER_YEAR
        chosen = vehicle[recent]
        price = self._list_price[fleet.model[chosen]] * 0.92
        return self._contract_rows(rng, fleet.owner[chosen], chosen, price, bought[recent])

    def finance(self, rng: np.random.Generator, due: Columns) -> pd.DataFrame:
        """Return the contracts of delivered vehicles (FINANCE_CONTRACTS)."""
        net = due["list_price"] - due["discount"]
        return self._contract_rows(rng, due["person"], due["vehicle"], net, due["at"])

    def _contract_rows(
        self,
        rng: np.random.Generator,
        person: Integers,
        vehicle: Integers,
        price: Floats,
        at: Times,
    ) -> pd.DataFrame:
        rows = np.flatnonzero(rng.random(len(person)) < _FINANCED_SHARE)
        total = len(rows)
        product = WeightedDraw((0.45, 0.4, 0.15))(rng, total)
        years = rng.choice((3, 4, 5), total, p=(0.3, 0.45, 0.25))
        balloon = np.where(product == 1, np.round(price[rows] * 0.35, 2), 0.0)
        starts = at[rows].astype("datetime64[D]").astype("datetime64[us]")
        ends = _years_later(starts, years)
        current = ends > self._origin
        rows, product, years, balloon = (
            rows[current],
            product[current],
            years[current],
            balloon[current],
        )
        starts, ends = starts[current], ends[current]
        number = self.numbers("next_contract", len(rows))
        contract: Columns = {
            "contract_id": number,
            "person_id": person[rows],
            "vehicle_id": vehicle[rows],
            "product": product,
            "monthly_amount": np.round((price[rows] - balloon) * 1.12 / (years * 12), 2),
            "balloon_amount": balloon,
            "starts_on": starts,
            "ends_on": ends,
        }
        self._contracts.append(contract)
        self.ending.push(at=ends, contract=number)
        return self._contract_frame(contract, 0, at[rows])

    def _contract_frame(self, contract: Columns, status: int, updated: Times) -> pd.DataFrame:
        total = len(contract["contract_id"])
        return FINANCE_CONTRACTS.build(
            {
                **contract,
                "vin": self._fleet.vin(contract["vehicle_id"]),
                "product": categorical(contract["product"], _PRODUCTS),
                "status": categorical(
                    np.full(total, status, dtype=np.int8), ["active", "finished"]
                ),
                "updated_at": updated,
            }
        )

    def end_contracts(self, window: Window) -> pd.DataFrame:
        """Return the contracts that end in the slice (FINANCE_CONTRACTS)."""
        due = self.ending.take_until(window.end)
        whole = {
            name: np.concatenate([part[name] for part in self._contracts])
            for name in self._contracts[0]
        }
        self._contracts = [whole]
        rows = np.searchsorted(whole["contract_id"], np.sort(due["contract"]))
        ended = {name: values[rows] for name, values in whole.items()}
        return self._contract_frame(ended, 1, ended["ends_on"])

    def state(self) -> Columns:
        """Return the state as arrays, contracts included."""
        state = super().state()
        for name in self._contracts[0]:
            state[f"contract {name}"] = np.concatenate([part[name] for part in self._contracts])
        return state

    def restore(self, state: Columns) -> None:
        """Take a state that `state` returned."""
        super().restore(state)
        prefix = "contract "
        self._contracts = [
            {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
        ]


def _years_later(times: Times, years: Any) -> Times:  # noqa: ANN401 - a number or an array
    days = np.round(np.asarray(years) * DAYS_PER_YEAR).astype(np.int64)
    later: Times = times + days * DAY
    return later
