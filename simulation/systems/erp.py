"""The supermarkets' ERP: customers, articles and stores as CSV with `;`, Windows characters, decimal commas.

Monthly deltas of what is new or changed, and whole lists of stores; some columns are renamed half-way.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation import faults
from simulation.delivery import (
    Desk,
    Period,
    SystemWriter,
    only_where,
    row_hits,
    visible,
    with_broken_quotes,
    with_extra_delimiter,
    with_letter_in_number,
)
from simulation.draws import uniform
from simulation.files import TextLayout
from simulation.frames import NO_ID, Slice
from simulation.person_faults import PersonColumn, PersonLayout, address_parts

SYSTEM: Final = "erp"
_LAYOUT: Final = TextLayout(delimiter=";", encoding="cp1252", line_ending="\r\n")
_PEOPLE: Final = PersonLayout(
    SYSTEM,
    (
        PersonColumn("NOMBRE", ("given_name",)),
        PersonColumn("APELLIDOS", ("surname_1", "surname_2")),
        PersonColumn("NIF", ("national_id",)),
        PersonColumn("DIRECCION", ("street", "dwelling"), glue=", "),
        PersonColumn("CP", ("postal_code",)),
        PersonColumn("POBLACION", ("municipality_name",)),
        PersonColumn("PROVINCIA", ("province_name",)),
        PersonColumn("TELEFONO", ("landline",)),
        PersonColumn("MOVIL", ("mobile",)),
        PersonColumn("EMAIL", ("email",)),
        PersonColumn("FECHA_NACIMIENTO", ("birth_date",)),
    ),
    coverage={
        "national_id": 0.7,
        "email": 0.75,
        "landline": 0.6,
        "birth_date": 0.85,
        "street": 0.92,
    },
)
CUSTOMER_COLUMNS: Final = tuple(
    [
        "CODCLI",
        "NOMBRE",
        "APELLIDOS",
        "NIF",
        "DIRECCION",
        "CP",
        "POBLACION",
        "PROVINCIA",
        "TELEFONO",
        "MOVIL",
        "EMAIL",
        "FECHA_NACIMIENTO",
        "SEXO",
        "TARJETA",
        "FECHA_ALTA",
        "FECHA_MODIFICACION",
        "TIENDA_ALTA",
        "ACEPTA_EMAIL",
        "ACEPTA_SMS",
        "ACEPTA_POSTAL",
    ]
)
RENAMED_COLUMNS: Final[Mapping[str, str]] = {
    "CODCLI": "COD_CLIENTE",
    "CP": "C.P.",
    "MOVIL": "TEL_MOVIL",
}
_RECORDED_GENDER_SHARE: Final = 0.93
_RESENT_SHARE: Final = 0.3


class ErpWriter(SystemWriter):
    """Writes the ERP's files; remembers the articles' prices and which names columns have."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.records = desk.records(_PEOPLE)
        items = desk.market.items
        self.items = pd.DataFrame(
            {
                "price": items["price"].to_numpy(),
                "cost": items["cost"].to_numpy(),
                "is_active": np.ones(len(items), dtype=bool),
                "changed_at": items["listed_on"].to_numpy(),
            }
        )
        self.renamed_from = desk.config.start + timedelta(days=desk.config.days // 2)

    def write(self, happened: Slice, period: Period) -> None:
        """Deliver customers and articles that are new or changed, and now and then all stores."""
        self._write_customers(period)
        self._write_items(happened["item_changes"], period)
        if period.is_first or (period.starts_on.day == 1 and period.starts_on.month in (1, 7)):
            self._write_stores(period)

    def state(self) -> Mapping[str, pd.DataFrame]:
        """Return the articles as they stand."""
        return {"items": self.items}

    def restore(self, frames: Mapping[str, pd.DataFrame]) -> None:
        """Take up the articles as they stood."""
        self.items = frames["items"]

    def _write_customers(self, period: Period) -> None:
        ids, changed_at = self.desk.members.changed(SYSTEM)
        if not len(ids):
            return
        name = f"clientes_{period.stamp}.csv"
        frame, hits = self._customers(ids, changed_at, period)
        keys = frame["CODCLI"].to_numpy(dtype=object)
        self._deliver_customers(frame, keys, hits, name, period.last_day)
        self.desk.truth.identify(SYSTEM, "customers", keys, ids)
        self.desk.repeat_now_and_then(SYSTEM, "customers", name, period)
        late_day = self.desk.late_day(SYSTEM, name, period)
        if late_day is not None:
            self._resend(frame, hits, period, late_day)

    def _customers(
        self, ids: NDArray[np.int64], changed_at: NDArray[np.datetime64], period: Period
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        desk = self.desk
        people = desk.market.people.iloc[ids]
        joined_at = desk.members.joined_at[SYSTEM][ids]
        delivered = self.records.deliver(ids, period.ends_at, known_since=joined_at)
        cards = people["card_number"].to_numpy()
        genders = people["gender"].astype(object).map({"M": "H", "F": "M"}).to_numpy(dtype=object)
        unknown = uniform(ids, desk.config.seed, SYSTEM, "gender") >= _RECORDED_GENDER_SHARE
        frame = delivered.columns.assign(
            CODCLI=[f"{code:07d}" for code in people["erp_code"].tolist()],
            SEXO=only_where(~unknown, genders),
            TARJETA=only_where(cards != NO_ID, cards.astype(str)),
            FECHA_ALTA=_formatted(joined_at, "%d/%m/%Y"),
            FECHA_MODIFICACION=_formatted(changed_at, "%d/%m/%Y %H:%M:%S"),
            TIENDA_ALTA=[store_code(store) for store in people["home_store_id"].tolist()],
            **{
                f"ACEPTA_{channel.upper()}": np.where(
                    desk.members.accepts[SYSTEM, channel][ids], "S", "N"
                )
                for channel in ("email", "sms", "postal")
            },
        )
        return frame[list(CUSTOMER_COLUMNS)], delivered.hits

    def _deliver_customers(
        self,
        frame: pd.DataFrame,
        keys: NDArray[np.object_],
        hits: pd.DataFrame,
        name: str,
        delivered_on: date,
    ) -> None:
        """Write a file of customers with its row faults, in the names of its day."""
        desk, truth = self.desk, self.desk.truth
        numbers = np.array([int(key) for key in keys], dtype=np.int64)
        damaged = desk.rows_hit(faults.DAMAGED_ROW, SYSTEM, name, numbers)
        repeated = desk.rows_hit(faults.DUPLICATED_ROW, SYSTEM, name, numbers)
        frame = frame.copy()
        plants = [hits, *_damaged(frame, damaged, desk.bits(SYSTEM, name, numbers[damaged]))]
        plants.append(row_hits(repeated, "", faults.DUPLICATED_ROW, keys[repeated], keys[repeated]))
        names = RENAMED_COLUMNS if delivered_on >= self.renamed_from else {}
        for plant in plants:
            plant = plant.assign(field=plant["field"].replace(names))
            truth.plant(SYSTEM, "customers", name, keys, plant)
        for before, after in names.items():
            truth.plant_in_file(
                SYSTEM,
                "customers",
                name,
                faults.RENAMED_COLUMNS,
                field=before,
                true_value=before,
                delivered_value=after,
            )
        desk.register(customers=pd.concat([frame, frame.iloc[repeated]]).rename(columns=names))
        desk.landing.write_csv(SYSTEM, "customers", name, "select * from customers", _LAYOUT)

    def _resend(
        self, frame: pd.DataFrame, hits: pd.DataFrame, period: Period, late_day: date
    ) -> None:
        """Deliver a part of a month's rows again, in a file of a later day; the rows are old."""
        numbers = frame["CODCLI"].astype(np.int64).to_numpy()
        kept = (
            uniform(numbers, self.desk.config.seed, SYSTEM, period.stamp, "resent") < _RESENT_SHARE
        )
        if not kept.any():
            return
        name = f"clientes_{late_day:%Y%m%d}.csv"
        resent = frame[kept].reset_index(drop=True)
        of_resent = hits[kept[hits["row"].to_numpy(dtype=np.int64)]]
        rows = np.cumsum(kept)[of_resent["row"].to_numpy(dtype=np.int64)] - 1
        keys = resent["CODCLI"].to_numpy(dtype=object)
        self._deliver_customers(resent, keys, of_resent.assign(row=rows), name, late_day)
        self.desk.truth.plant_in_file(
            SYSTEM,
            "customers",
            name,
            faults.LATE_FILE,
            true_value=period.label,
            delivered_value=name,
        )

    def _write_items(self, changes: pd.DataFrame, period: Period) -> None:
        changes = changes.sort_values("changed_at", kind="stable").drop_duplicates(
            "item_id", keep="last"
        )
        ids = changes["item_id"].to_numpy()
        for name in ("price", "cost", "is_active", "changed_at"):
            self.items.loc[ids, name] = changes[name].to_numpy()
        if period.is_first:
            listed_on = self.desk.market.items["listed_on"].to_numpy()
            ids = np.union1d(ids, np.flatnonzero(listed_on < period.ends_at))
        if not len(ids):
            return
        listed = self.desk.market.items.iloc[ids].reset_index(drop=True)
        current = self.items.iloc[ids].reset_index(drop=True)
        self.desk.register(listed=listed.drop(columns=["price", "cost"]), current_state=current)
        name = f"articulos_{period.stamp}.csv"
        self.desk.landing.write_csv(SYSTEM, "products", name, _ITEMS_SQL, _LAYOUT)

    def _write_stores(self, period: Period) -> None:
        stores = self.desk.market.stores
        address = address_parts(stores)
        frame = pd.DataFrame(
            {
                "CODTIENDA": [store_code(store) for store in stores["store_id"].tolist()],
                "NOMBRE": stores["name"],
                "DIRECCION": address["street"],
                "CP": address["postal_code"],
                "POBLACION": address["municipality_name"],
                "PROVINCIA": address["province_name"],
                "TELEFONO": stores["phone"],
                "FECHA_APERTURA": _formatted(stores["opened_on"].to_numpy(), "%d/%m/%Y"),
            }
        )
        self.desk.register(stores=frame[stores["opened_on"].to_numpy() < period.ends_at])
        name = f"tiendas_{period.stamp}.csv"
        self.desk.landing.write_csv(SYSTEM, "stores", name, "select * from stores", _LAYOUT)


_ITEMS_SQL: Final = """
    select
        sku as CODART, description as DESCRIPCION, department as FAMILIA, category as SUBFAMILIA,
        brand as MARCA,
        replace(printf('%.2f', price), '.', ',') as PVP,
        replace(printf('%.4f', cost), '.', ',') as COSTE,
        printf('%d,00', vat_rate) as IVA,
        ean as EAN, unit as UNIDAD,
        strftime(listed_on, '%d/%m/%Y') as FECHA_ALTA,
        strftime(changed_at, '%d/%m/%Y %H:%M:%S') as FECHA_MODIFICACION,
        case when is_active then 'S' else 'N' end as ACTIVO
    from listed positional join current_state
"""


def store_code(store_id: int) -> str:
    """Return a store's code, shared by the ERP and the tills."""
    return f"T{store_id + 1:03d}"


def _damaged(frame: pd.DataFrame, rows: NDArray[np.intp], bits: list[int]) -> list[pd.DataFrame]:
    """Damage rows of a customer file in one of four ways; tell how."""
    told = []
    ways: tuple[tuple[str, Any], ...] = (
        ("DIRECCION", with_extra_delimiter),
        ("DIRECCION", with_broken_quotes),
        ("FECHA_MODIFICACION", with_letter_in_number),
        ("FECHA_ALTA", faults.impossible_date),
    )
    for row, number in zip(rows.tolist(), bits, strict=True):
        column, damage = ways[number % len(ways)]
        if frame.at[row, column] is None:
            column, damage = ways[-1]
        before = str(frame.at[row, column])
        after = damage(before, number >> 8)
        frame.at[row, column] = after
        told.append(
            row_hits(
                np.array([row]),
                column,
                faults.DAMAGED_ROW,
                [before],
                [visible(after, _LAYOUT.delimiter)],
            )
        )
    return told


def _formatted(times: NDArray[np.datetime64], pattern: str) -> NDArray[np.object_]:
    texts: NDArray[np.object_] = pd.Series(times).dt.strftime(pattern).to_numpy(dtype=object)
    return texts
