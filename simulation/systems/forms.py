"""The forms on the group's webs: one JSON document a period with all submissions in it.

Each type of form asks for other fields; consents come with their proof.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from simulation.clock import to_utc
from simulation.delivery import Desk, Period, SystemWriter
from simulation.draws import uniform
from simulation.frames import NO_ID, Slice
from simulation.person_faults import PersonColumn, PersonLayout, objects
from simulation.systems.dms import dealer_code
from simulation.systems.reference import SITES, pseudo_id

SYSTEM: Final = "forms"
_SENDERS: Final = PersonLayout(
    SYSTEM,
    (
        PersonColumn("email", ("email",)),
        PersonColumn("nombre", ("given_name",)),
        PersonColumn("apellidos", ("surname_1", "surname_2")),
        PersonColumn("telefono", ("mobile",)),
        PersonColumn("cp", ("postal_code",)),
        PersonColumn("fecha_nacimiento", ("birth_date",)),
    ),
)
# Share of submissions with each personal field, by type of form.
_ASKED: Final[Mapping[str, Mapping[str, float]]] = {
    "newsletter": {"nombre": 0.6},
    "product_registration": {"nombre": 1, "apellidos": 1, "telefono": 0.6, "cp": 0.9},
    "test_drive": {"nombre": 1, "apellidos": 1, "telefono": 1, "cp": 1},
    "survey": {"nombre": 0.5, "cp": 0.5, "fecha_nacimiento": 0.4},
    "competition": {
        "nombre": 1,
        "apellidos": 1,
        "telefono": 0.7,
        "cp": 1,
        "fecha_nacimiento": 1,
    },
}
_FORMS: Final[Mapping[str, tuple[str, str, str]]] = {
    "newsletter": ("F01", "Boletín de novedades", f"{SITES['electronics']}/boletin"),
    "product_registration": ("F02", "Registra tu producto", f"{SITES['electronics']}/registro"),
    "test_drive": ("F03", "Solicita una prueba de conducción", f"{SITES['cars']}/prueba"),
    "survey": ("F04", "Cuéntanos qué te interesa", f"{SITES['electronics']}/encuesta"),
    "competition": ("F05", "Sorteo", f"{SITES['groceries']}/sorteo"),
}


class FormsWriter(SystemWriter):
    """Writes the submissions."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self.records = desk.records(_SENDERS)

    def write(self, happened: Slice, period: Period) -> None:
        """Deliver the submissions of a period."""
        frame = happened["submissions"]
        if frame.empty:
            return
        desk = self.desk
        name = f"submissions_{period.label}.json"
        ids, people = frame["submission_id"].to_numpy(), frame["person_id"].to_numpy()
        senders = self.records.deliver(people, period.ends_at, record_ids=ids)
        asked = self._asked(objects(frame["form_type"]), ids)
        with desk.landing.replacing(SYSTEM, name) as path, path.open("w", encoding="utf-8") as file:
            file.write(
                f'{{"exported_at": "{period.exported_at:%Y-%m-%dT%H:%M:%S}Z", "submissions": ['
            )
            for number, submission in enumerate(self._submissions(frame, senders.columns, asked)):
                file.write(",\n" if number else "\n")
                file.write(json.dumps(submission, ensure_ascii=False))
            file.write("\n]}\n")
        desk.landing.record(SYSTEM, "submissions", name, len(frame))
        keys = np.array([submission_key(number) for number in ids.tolist()], dtype=object)
        rows = senders.hits["row"].to_numpy(dtype=np.int64)
        is_shown = np.array(
            [asked[field][row] for field, row in zip(senders.hits["field"], rows, strict=True)],
            bool,
        )
        desk.truth.plant(SYSTEM, "submissions", name, keys, senders.hits[is_shown])
        emails = senders.columns["email"].str.strip().str.lower().to_numpy(dtype=object)
        desk.truth.identify(SYSTEM, "submissions", emails, people)
        desk.repeat_now_and_then(SYSTEM, "submissions", name, period)

    def _asked(
        self, types: NDArray[np.object_], ids: NDArray[np.int64]
    ) -> Mapping[str, NDArray[np.bool_]]:
        """Return which submissions carry which personal field."""
        asked = {"email": np.ones(len(ids), dtype=bool)}
        for column in _SENDERS.columns[1:]:
            shares = np.array([_ASKED[kind].get(column.name, 0.0) for kind in types])
            asked[column.name] = (
                uniform(ids, self.desk.config.seed, SYSTEM, "asked", column.name) < shares
            )
        return asked

    def _submissions(
        self, frame: pd.DataFrame, senders: pd.DataFrame, asked: Mapping[str, NDArray[np.bool_]]
    ) -> Iterator[Mapping[str, Any]]:
        """Yield each submission as the form sends it."""
        submitted_at = np.datetime_as_string(
            to_utc(frame["submitted_at"].to_numpy()), unit="s"
        ).tolist()
        personal = {name: senders[name].tolist() for name in asked}
        rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
        for number, row in enumerate(rows):
            kind = row["form_type"]
            form_id, form_name, url = _FORMS[kind]
            fields = {
                name: values[number]
                for name, values in personal.items()
                if name != "email" and asked[name][number] and values[number] is not None
            }
            yield {
                "submission_id": submission_key(row["submission_id"]),
                "form_id": form_id,
                "form_name": form_name,
                "form_type": kind,
                "submitted_at": f"{submitted_at[number]}Z",
                "page_url": url,
                "user_pseudo_id": None
                if row["device_id"] == NO_ID
                else pseudo_id(row["device_id"]),
                "email": personal["email"][number],
                "fields": fields | self._own_fields(kind, row),
                "consents": _consents(row, has_phone="telefono" in fields),
            }

    def _own_fields(self, kind: str, row: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields that only one type of form has."""
        market = self.desk.market
        if kind == "product_registration":
            return {
                "sku": market.products["sku"].iat[row["product_id"]],
                "numero_serie": _text(row["serial_number"]),
                "fecha_compra": f"{row['purchased_on']:%d/%m/%Y}",
                "tienda": "Otra tienda" if row["is_bought_elsewhere"] else "Nebra online",
            }
        if kind == "test_drive":
            return {
                "modelo": market.vehicle_models["model"].iat[row["model_id"]],
                "concesionario": dealer_code(row["dealer_id"]),
            }
        if kind == "survey":
            return {
                "nps": row["nps"],
                "intereses": (_text(row["interests"]) or "").split("|"),
                "canal_preferido": _text(row["preferred_channel"]),
                "personas_hogar": row["household_size"],
                "mascotas": row["has_pets"],
            }
        return {}


def submission_key(submission_id: int) -> str:
    """Return a submission's key."""
    return f"f{submission_id:08d}"


def _consents(row: Mapping[str, Any], *, has_phone: bool) -> list[Mapping[str, Any]]:
    channels = ("email", "sms") if has_phone else ("email",)
    return [
        {
            "purpose": "marketing",
            "channel": channel,
            "granted": row[f"accepts_{channel}"],
            "policy_version": _text(row["policy_version"]),
            "double_opt_in": _text(row["double_opt_in"]) if row[f"accepts_{channel}"] else None,
        }
        for channel in channels
    ]


def _text(value: Any) -> str | None:  # noqa: ANN401 - a text, or one of pandas' absent values
    return value if isinstance(value, str) else None
