"""People with records, made for the tests of linking: small, and with every error known."""

from __future__ import annotations

import numpy as np
import pandas as pd

GIVEN = ["ana", "luis", "marta", "jorge", "elena", "pablo", "lucia", "diego", "irene", "hugo",
         "carmen", "mario", "julia", "sergio", "paula", "nuria", "ivan", "clara", "oscar"]  # fmt: skip
SYLLABLES = [
    "bar",
    "tol",
    "men",
    "sar",
    "qui",
    "lo",
    "ve",
    "ga",
    "ri",
    "zan",
    "fer",
    "nu",
    "du",
    "pe",
]
FIELDS = {
    "given_name": "given_name",
    "surname": "surname",
    "birth_date": "birth_date",
    "phone": "phone",
    "email": "email",
    "street": "street",
    "postal_code": "postal_code",
}


def make_people(people: int, seed: int, household_share: float = 0.3) -> pd.DataFrame:
    """Return records of so many people: record_id, person, household and the fields of FIELDS.

    About half have two or three records, the later ones with slips and gaps; some share surname, address
    and telephone with the person before them.
    """
    generator = np.random.default_rng(seed)

    def word(parts: int) -> str:
        return "".join(generator.choice(SYLLABLES, parts))

    rows = []
    before: dict[str, str] = {}
    household = -1
    for person in range(people):
        shares = person > 0 and generator.random() < household_share
        household += not shares
        one = {
            "given_name": str(generator.choice(GIVEN)),
            "surname": before["surname"] if shares else f"{word(3)} {word(3)}",
            "birth_date": str(
                np.datetime64("1940-01-01") + np.timedelta64(int(generator.integers(0, 22000)), "D")
            ),
            "phone": before["phone"] if shares else f"6{generator.integers(10**7, 10**8)}",
            "email": f"{word(3)}{generator.integers(1, 999)}@correo.es",
            "street": before["street"]
            if shares
            else f"calle {word(3)} {generator.integers(1, 99)}",
            "postal_code": before["postal_code"]
            if shares
            else f"{generator.integers(1000, 52999):05d}",
        }
        before = one
        for copy in range(int(generator.choice([1, 2, 3], p=[0.5, 0.35, 0.15]))):
            record = dict(one)
            if copy:
                slip = generator.choice(list(FIELDS))
                place = int(generator.integers(0, len(record[slip])))
                record[slip] = record[slip][:place] + "x" + record[slip][place + 1 :]
                record[str(generator.choice(list(FIELDS)))] = None  # type: ignore[assignment]
            rows.append({"record_id": f"r{person:05d}-{copy}", **record, "person": person,
                         "household": household})  # fmt: skip
    return pd.DataFrame(rows)
