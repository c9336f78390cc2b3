"""The supermarkets' tills: gzipped NDJSON, one ticket a line with its lines within.

A month a file, or a day a file; now and then a store's tickets of a month arrive in a later file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from simulation import faults
from simulation.clock import utc_offset_hours
from simulation.delivery import Desk, Period, SystemWriter, row_hits
from simulation.files import STRAY_QUOTE
from simulation.frames import NO_ID, Slice

SYSTEM: Final = "pos"


class PosWriter(SystemWriter):
    """Writes the tills' files; remembers which loyalty cards were seen."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.seen = np.zeros(len(desk.market.people), dtype=bool)

    def write(self, happened: Slice, period: Period) -> None:
        """Deliver the tickets of a period."""
        tickets = happened["tickets"]
        if not len(tickets):
            return
        desk = self.desk
        name = f"tickets_{period.label}.ndjson.gz"
        ids = tickets["ticket_id"].to_numpy()
        damaged = desk.rows_hit(faults.DAMAGED_ROW, SYSTEM, "tickets", ids)
        repeated = desk.rows_hit(faults.DUPLICATED_ROW, SYSTEM, "tickets", ids)
        table = self._tickets(tickets, happened["ticket_lines"], damaged, repeated)
        late_day = desk.late_day(SYSTEM, name, period)
        late_store = int(ids[0]) % len(desk.market.stores) if late_day is not None else NO_ID
        is_late = tickets["store_id"].to_numpy() == late_store
        desk.register(tickets=table)
        self._write_file(name, f"store_number <> {late_store}")
        self._plant(name, tickets, damaged[~is_late[damaged]], repeated[~is_late[repeated]])
        desk.repeat_now_and_then(SYSTEM, "tickets", name, period)
        if late_day is not None and is_late.any():
            late_name = f"tickets_{late_day:%Y-%m-%d}_T{late_store + 1:03d}.ndjson.gz"
            self._write_file(late_name, f"store_number = {late_store}")
            self._plant(late_name, tickets, damaged[is_late[damaged]], repeated[is_late[repeated]])
            desk.truth.plant_in_file(
                SYSTEM,
                "tickets",
                late_name,
                faults.LATE_FILE,
                true_value=period.label,
                delivered_value=late_name,
            )
        self._identify(tickets)

    def state(self) -> Mapping[str, pd.DataFrame]:
        """Return which cards were seen."""
        return {"seen": pd.DataFrame({"seen": self.seen})}

    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Take up which cards were seen."""
        self.seen = frames["seen"]["seen"].to_numpy(dtype=bool).copy()

    def _write_file(self, name: str, condition: str) -> None:
        self.desk.landing.write_ndjson(
            SYSTEM,
            "tickets",
            name,
            f"""
            {_TICKETS_SQL} where {condition}
            union all
            {_TICKETS_SQL} where {condition} and is_repeated
            """,
        )

    def _tickets(
        self,
        tickets: pd.DataFrame,
        lines: pd.DataFrame,
        damaged: NDArray[np.intp],
        repeated: NDArray[np.intp],
    ) -> pa.Table:
        """Put the lines into their tickets; both come in the same order."""
        columns = {
            name: pa.Array.from_pandas(tickets[name])
            for name in (
                "ticket_id",
                "till",
                "opened_at",
                "operation",
                "original_ticket_id",
                "card_number",
                "cashier",
                "payment_method",
                "total",
            )
        }
        flags = np.zeros((2, len(tickets)), dtype=bool)
        flags[0, damaged], flags[1, repeated] = True, True
        return pa.table(
            {
                **columns,
                "store_number": pa.array(tickets["store_id"].to_numpy()),
                "utc_offset": utc_offset_hours(tickets["opened_at"].to_numpy()),
                "lines": self._lines(tickets, lines),
                "is_damaged": flags[0],
                "is_repeated": flags[1],
            }
        )

    def _lines(self, tickets: pd.DataFrame, lines: pd.DataFrame) -> pa.Array:
        of_ticket = lines["ticket_id"].to_numpy()
        starts = np.flatnonzero(np.r_[True, of_ticket[1:] != of_ticket[:-1]])
        if not np.array_equal(of_ticket[starts], tickets["ticket_id"].to_numpy()):
            raise ValueError("Ticket lines must be sorted as their tickets, with no ticket empty.")
        items = self.desk.market.items
        item_ids = pa.array(lines["item_id"].to_numpy().astype(np.int32))
        texts = {
            column: pa.DictionaryArray.from_arrays(item_ids, pa.array(items[source], pa.string()))
            for column, source in (("sku", "sku"), ("ean", "ean"), ("description", "description"))
        }
        fields = {
            "line": pa.array(lines["line"].to_numpy()),
            **texts,
            **{
                name: pa.array(lines[name].to_numpy())
                for name in ("quantity", "unit_price", "discount", "amount")
            },
            "vat_rate": pa.array(items["vat_rate"].to_numpy()[lines["item_id"].to_numpy()]),
        }
        struct = pa.StructArray.from_arrays(list(fields.values()), names=list(fields))
        offsets = pa.array(np.r_[starts, len(lines)].astype(np.int32))
        return pa.ListArray.from_arrays(offsets, struct)

    def _plant(
        self,
        name: str,
        tickets: pd.DataFrame,
        damaged: NDArray[np.intp],
        repeated: NDArray[np.intp],
    ) -> None:
        keys = np.array(
            [ticket_key(ticket) for ticket in tickets["ticket_id"].tolist()], dtype=object
        )
        cashiers = [f"E{number:04d}" for number in tickets["cashier"].iloc[damaged].tolist()]
        broken = [f'{cashier}"' for cashier in cashiers]
        for hits in (
            row_hits(damaged, "cashier", faults.DAMAGED_ROW, cashiers, broken),
            row_hits(repeated, "", faults.DUPLICATED_ROW, keys[repeated], keys[repeated]),
        ):
            self.desk.truth.plant(SYSTEM, "tickets", name, keys, hits)

    def _identify(self, tickets: pd.DataFrame) -> None:
        is_known = tickets["card_number"].to_numpy() != NO_ID
        people = np.unique(tickets["person_id"].to_numpy()[is_known])
        new = people[~self.seen[people]]
        self.seen[new] = True
        cards = self.desk.market.people["card_number"].to_numpy()[new]
        self.desk.truth.identify(SYSTEM, "tickets", [str(card) for card in cards.tolist()], new)


def ticket_key(ticket_id: int) -> str:
    """Return a ticket's number as the tills print it."""
    return f"TK{ticket_id:010d}"


_TICKETS_SQL: Final = f"""
    select
        printf('TK%010d', ticket_id) as ticket_id,
        printf('T%03d', store_number + 1) as store_id,
        till,
        strftime(opened_at, '%Y-%m-%dT%H:%M:%S') || '+0' || utc_offset || ':00' as opened_at,
        operation,
        case when original_ticket_id <> {NO_ID} then printf('TK%010d', original_ticket_id) end
            as original_ticket_id,
        case when card_number <> {NO_ID} then cast(card_number as varchar) end as card_number,
        printf('E%04d', cashier) || case when is_damaged then '{STRAY_QUOTE}' else '' end as cashier,
        payment_method,
        'EUR' as currency,
        total,
        lines
    from tickets
"""
