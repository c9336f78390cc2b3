"""The electronics brand's contact centre: a workbook of cases, two title lines above the header.

A month or a day a file; a case that was open comes again in the file of the period it is closed in.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import xlsxwriter
from numpy.typing import NDArray

from simulation import faults
from simulation.delivery import Desk, Period, SystemWriter, only_where, row_hits
from simulation.draws import uniform
from simulation.frames import CASES, NO_ID, Slice, concatenate
from simulation.person_faults import PersonColumn, PersonLayout, objects, with_absent

SYSTEM: Final = "contact_center"
_CALLERS: Final = PersonLayout(
    SYSTEM,
    (
        PersonColumn("Cliente", ("given_name", "surname_1", "surname_2")),
        PersonColumn("Teléfono", ("mobile",)),
        PersonColumn("Email", ("email",)),
    ),
    coverage={"surname_1": 0.93},
)
COLUMNS: Final = (
    "Nº caso",
    "Fecha apertura",
    "Fecha cierre",
    "Canal",
    "Cliente",
    "Teléfono",
    "Email",
    "Nº serie",
    "SKU",
    "Producto",
    "Motivo",
    "Submotivo",
    "Estado",
    "Satisfacción (1-5)",
    "Agente",
    "Descripción",
)
_CHANNELS: Final[Mapping[str, str]] = {
    "phone": "Teléfono",
    "email": "Email",
    "chat": "Chat",
    "whatsapp": "WhatsApp",
    "store": "Tienda",
}
# Share of cases with the caller's phone and e-mail, by channel: the rest is not asked for.
_TOLD: Final[Mapping[str, tuple[float, float]]] = {
    "phone": (1.0, 0.35),
    "email": (0.2, 1.0),
    "chat": (0.3, 0.85),
    "whatsapp": (1.0, 0.2),
    "store": (0.6, 0.3),
}
_HEADER_ROW: Final = 2


class ContactCenterWriter(SystemWriter):
    """Writes the cases; remembers those that are still open."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.records = desk.records(_CALLERS)
        self.open_cases = CASES.empty()

    def write(self, happened: Slice, period: Period) -> None:
        """Deliver the cases opened or closed in a period."""
        closed_at = self.open_cases["closed_at"].to_numpy()
        closing = self.open_cases[closed_at < period.ends_at]
        new = happened["cases"]
        cases = concatenate(CASES, [closing, new])
        still_open = concatenate(CASES, [self.open_cases[~(closed_at < period.ends_at)], new])
        # A case that is never closed need not be remembered.
        self.open_cases = still_open[still_open["closed_at"].to_numpy() >= period.ends_at]
        if cases.empty:
            return
        cases = cases.sort_values(["opened_at", "case_id"], kind="stable", ignore_index=True)
        self._deliver(cases, period)

    def state(self) -> Mapping[str, pd.DataFrame]:
        """Return the open cases."""
        return {"open_cases": self.open_cases}

    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Take up the open cases."""
        self.open_cases = CASES.build(dict(frames["open_cases"]))

    def _deliver(self, cases: pd.DataFrame, period: Period) -> None:
        desk = self.desk
        name = f"casos_{period.label}.xlsx"
        ids, people = cases["case_id"].to_numpy(), cases["person_id"].to_numpy()
        callers = self.records.deliver(people, period.ends_at, record_ids=ids)
        is_told = self._hide_what_was_not_told(callers.columns, cases)
        table = self._table(cases, callers.columns, period)
        repeated = desk.rows_hit(faults.DUPLICATED_ROW, SYSTEM, "cases", ids)
        keys = table["Nº caso"].to_numpy(dtype=object)
        with desk.landing.replacing(SYSTEM, name) as path:
            _write_workbook(path, pd.concat([table, table.iloc[repeated]]), period)
        desk.landing.record(SYSTEM, "cases", name, len(table) + len(repeated))
        is_new = cases["opened_at"].to_numpy() >= period.starts_at
        hits = callers.hits
        rows = hits["row"].to_numpy(dtype=np.int64)
        shown = is_new[rows] & np.array(
            [is_told[field][row] for field, row in zip(hits["field"], rows.tolist(), strict=True)],
            bool,
        )
        desk.truth.plant(SYSTEM, "cases", name, keys, hits[shown])
        doubled = row_hits(repeated, "", faults.DUPLICATED_ROW, keys[repeated], keys[repeated])
        desk.truth.plant(SYSTEM, "cases", name, keys, doubled)
        desk.truth.identify(SYSTEM, "cases", _caller_keys(table), people)
        desk.repeat_now_and_then(SYSTEM, "cases", name, period)

    def _hide_what_was_not_told(
        self, callers: pd.DataFrame, cases: pd.DataFrame
    ) -> Mapping[str, NDArray[np.bool_]]:
        """Blank phones and e-mails that a channel does not bring; return what is left."""
        channels, ids = objects(cases["channel"]), cases["case_id"].to_numpy()
        told = {"Cliente": np.ones(len(cases), dtype=bool)}
        for position, field in enumerate(("Teléfono", "Email")):
            shares = np.array([_TOLD[channel][position] for channel in channels])
            told[field] = uniform(ids, self.desk.config.seed, SYSTEM, "told", field) < shares
            callers[field] = only_where(told[field], callers[field])
        return told

    def _table(self, cases: pd.DataFrame, callers: pd.DataFrame, period: Period) -> pd.DataFrame:
        products = self.desk.market.products
        product_ids = cases["product_id"].to_numpy()
        is_closed = cases["closed_at"].to_numpy() < period.ends_at
        satisfaction = cases["satisfaction"].to_numpy()
        opened_in = cases["opened_at"].dt.year.tolist()
        return pd.DataFrame(
            {
                "Nº caso": [
                    f"C-{year}-{number:07d}"
                    for year, number in zip(opened_in, cases["case_id"].tolist(), strict=True)
                ],
                "Fecha apertura": _datetimes(cases["opened_at"]),
                "Fecha cierre": only_where(is_closed, _datetimes(cases["closed_at"])),
                "Canal": pd.Series(objects(cases["channel"])).map(_CHANNELS),
                **dict(callers.items()),
                "Nº serie": objects(cases["serial_number"]),
                "SKU": with_absent(objects(products["sku"]))[product_ids],
                "Producto": with_absent(objects(products["title"]))[product_ids],
                "Motivo": objects(cases["topic"]),
                "Submotivo": objects(cases["subtopic"]),
                "Estado": np.where(is_closed, "Cerrado", "Abierto"),
                "Satisfacción (1-5)": only_where(is_closed & (satisfaction != NO_ID), satisfaction),
                "Agente": [f"Agente {number:02d}" for number in cases["agent"].tolist()],
                "Descripción": objects(cases["description"]),
            },
            # Else pandas would turn Python's datetimes into its own, with its own absent value.
            dtype=object,
        )[list(COLUMNS)]


def _datetimes(times: pd.Series[pd.Timestamp]) -> NDArray[np.object_]:
    """Return times as Python datetimes, absent ones as None."""
    listed: NDArray[np.object_] = times.to_numpy().astype("datetime64[s]").astype(object)
    return listed


def _caller_keys(table: pd.DataFrame) -> list[str]:
    """Return by what a caller is known: e-mail, else the digits of the phone, else the case."""
    return [
        email.lower()
        if email
        else ("".join(char for char in phone if char.isdigit()) if phone else f"case:{case}")
        for case, phone, email in zip(
            table["Nº caso"], table["Teléfono"], table["Email"], strict=True
        )
    ]


def _write_workbook(path: Path, table: pd.DataFrame, period: Period) -> None:
    """Write the workbook row by row; its times are those of the export, so that its bytes repeat."""
    options = {"constant_memory": True, "default_date_format": "dd/mm/yyyy hh:mm"}
    with xlsxwriter.Workbook(str(path), options) as workbook:
        workbook.set_properties({"created": period.exported_at, "author": "CRM Nebra"})
        sheet = workbook.add_worksheet("Casos")
        sheet.write_string(0, 0, "Nebra · Atención al cliente")
        sheet.write_string(
            1, 0, f"Casos de {period.label}, exportados el {period.exported_at:%d/%m/%Y}"
        )
        sheet.write_row(_HEADER_ROW, 0, COLUMNS)
        writers: dict[str, Any] = {
            "Fecha apertura": sheet.write_datetime,
            "Fecha cierre": sheet.write_datetime,
            "Satisfacción (1-5)": sheet.write_number,
        }
        write = [writers.get(column, sheet.write_string) for column in COLUMNS]
        rows = zip(*(table[column].tolist() for column in COLUMNS), strict=True)
        for number, values in enumerate(rows, start=_HEADER_ROW + 1):
            for position, value in enumerate(values):
                if value is not None:
                    write[position](number, position, value)
