"""What holds for any text: nothing raises, rows and index stay, what is normal stays as it is."""

from __future__ import annotations

from datetime import date, datetime

import pandas as pd
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from ml.identity.normalise import RecordNormaliser
from ml.identity.normalise.addresses import normalise_addresses
from ml.identity.normalise.emails import normalise_emails
from ml.identity.normalise.national_ids import normalise_national_ids
from ml.identity.normalise.phones import normalise_phones
from ml.identity.normalise.places import normalise_places
from ml.identity.normalise.records import ALSO_READ, RAW_COLUMNS

SLOW_FIXTURE = settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
FUNCTIONS = {
    "email": normalise_emails,
    "phone": normalise_phones,
    "national_id": normalise_national_ids,
    "street": normalise_addresses,
}
ODD = [
    "😀 Ana 😀", "x" * 5000, "a\x00b", "Иван Петров", "م", "\ufb01 \u0149 \u0130 ß", "١٢٣", "½ º ª",
    "'" * 9, "(((", "\\", "a@b@c", "%s", "\u202eabc", "C/ , , 3", "12-14-16", "km km 3", "S.L.",
]  # fmt: skip
# Text with the marks that addresses and names are made of, more likely to be half understood.
PIECES = st.lists(
    st.sampled_from(
        """C/ Calle de la Torre Mayor , . - / 12 3 3º ª B s/n km 3,5 nº bis esc. bloque portal piso pta izda
        Bajo Ático N-340 kalea plaza + 34 600112233 0034 @ gmail.com X 1234567 L García López María Mª y
        S.L. ( ) ; ' 1ª 12A urb pol ind 2º2ª""".split()  # noqa: SIM905
    ),
    max_size=10,
).map(" ".join)
TEXTS = st.one_of(st.text(max_size=40), PIECES)


@pytest.mark.parametrize("field", sorted(FUNCTIONS))
@given(text=TEXTS)
@example(text="â¡")
@example(text="NIF NIF 12345678Z")
@example(text="N.U.L.L")
@example(text="3ºa")
@example(text="µÂ¡")
@example(text="äµ")
@example(text="â£")
@example(text="\ufb01\u0301")
@example(text="\u0130A")
@SLOW_FIXTURE
def test_what_is_normal_stays_as_it_is(field: str, text: str) -> None:
    function = FUNCTIONS[field]
    once = function(pd.Series([text]))
    twice = function(once[field])
    value = once[field].iloc[0]
    kept = [
        name for name in once if not name.endswith(("_issue", "_second", "_suggestion", "_kind"))
    ]
    if field == "phone" and value is None:
        return
    assert once[kept].equals(twice[kept]), (
        once[kept].iloc[0].tolist(),
        twice[kept].iloc[0].tolist(),
    )


@given(city=TEXTS, postal_code=TEXTS, province=TEXTS)
@example(city="\u0149(", postal_code="", province="")
@example(city="äµı'", postal_code="", province="")
@example(city="â£", postal_code="", province="")
@SLOW_FIXTURE
def test_normal_places_stay_as_they_are(
    normaliser: RecordNormaliser, city: str, postal_code: str, province: str
) -> None:
    frame = pd.DataFrame([{"city": city, "postal_code": postal_code, "province_name": province}])
    once = normalise_places(frame, normaliser.places)
    twice = normalise_places(once, normaliser.places)
    names = ["city", "postal_code", "province_code", "municipality_code"]
    assert once[names].equals(twice[names])


@given(full_name=TEXTS)
@example(full_name="Mª de la O")
@example(full_name="A 0")
@example(full_name="A.")
@example(full_name="(A) A")
@example(full_name=")%AA")
@example(full_name="A:S.L")
@example(full_name="S\u0130 Éb")
@example(full_name="ªäÃ(SLÄ£")
@example(full_name="äº")
@example(full_name="Ãb-\u0131")
@example(full_name="( López urb , urb Ático X pta")
@example(full_name="L Torre S.L. s/n Mª Mª S.L. . García s/n")
@example(full_name="d'Ors i Rovira, Eugeni")
@SLOW_FIXTURE
def test_normal_names_stay_as_they_are(normaliser: RecordNormaliser, full_name: str) -> None:
    once = normalise_record(normaliser, full_name=full_name).iloc[0]
    names = ["given_name", "surname_1", "surname_2", "is_company", "given_name_root"]
    again = {name: once[name] for name in ("given_name", "surname_1", "surname_2")}
    if once["is_company"] is True or once["given_name"] is None:
        return
    twice = normalise_record(normaliser, **again).iloc[0]
    # whether two fields were filled in the wrong way round is judged of fields, not of a whole name
    assume("swapped_name_fields" not in (twice["name_issue"] or ""))
    assert once[names].fillna("").tolist() == twice[names].fillna("").tolist()


def normalise_record(normaliser: RecordNormaliser, **fields: object) -> pd.DataFrame:
    row = {name: fields.get(name) for name in [*RAW_COLUMNS, *ALSO_READ]}
    return normaliser.normalise(pd.DataFrame([row], dtype="object"))


@given(text=st.one_of(TEXTS, st.sampled_from(ODD)))
@SLOW_FIXTURE
def test_no_text_in_any_field_raises(normaliser: RecordNormaliser, text: str) -> None:
    row = {name: text for name in [*RAW_COLUMNS, *ALSO_READ]}
    row |= {"birth_date": date(1980, 1, 2), "first_seen_at": datetime(2024, 1, 2)}
    result = normaliser.normalise(pd.DataFrame([row]))
    assert len(result) == 1
    assert result["full_name_raw"].tolist() == [text]


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_one_by_one(normaliser: RecordNormaliser, text: str) -> None:
    for field in RAW_COLUMNS:
        if field != "birth_date":
            assert len(normalise_record(normaliser, **{field: text})) == 1


def test_rows_index_and_other_columns_are_kept(normaliser: RecordNormaliser) -> None:
    frame = pd.DataFrame(
        [{name: None for name in [*RAW_COLUMNS, *ALSO_READ]}] * 3, dtype="object", index=[7, 7, 2]
    )
    frame["given_name"] = ["ANA", "ana", None]
    frame["loyalty_card"] = ["1", None, "3"]
    result = normaliser.normalise(frame)
    assert result.index.tolist() == [7, 7, 2]
    assert result["loyalty_card"].tolist() == ["1", None, "3"]
    assert result["given_name"].tolist() == ["Ana", "Ana", None]
    assert result["given_name_raw"].tolist() == ["ANA", "ana", None]


def test_a_record_is_judged_by_itself_alone(normaliser: RecordNormaliser) -> None:
    """Hence an incremental run gives what a full one gives."""
    rows = [
        {"full_name": "García López, Ana", "postal_code": "8001", "phone": "600112233"},
        {"full_name": "Ana García", "street": "C/ Mayor 3", "email": "ana@gmail.com"},
        {"given_name": "García", "surnames": "Ana", "national_id": "54362315-k"},
    ]
    frame = pd.DataFrame(rows).reindex(columns=[*RAW_COLUMNS, *ALSO_READ]).astype("object")
    together = normaliser.normalise(frame)
    apart = pd.concat([normaliser.normalise(frame.iloc[[number]]) for number in range(3)])
    pd.testing.assert_frame_equal(together, apart)


def test_two_numbers_in_a_cell_fill_both_fields(normaliser: RecordNormaliser) -> None:
    row = normalise_record(normaliser, phone="911234567 / 600112233").iloc[0]
    assert (row["phone"], row["phone_kind"]) == ("+34911234567", "landline")
    assert (row["mobile_phone"], row["mobile_phone_kind"]) == ("+34600112233", "mobile")
    assert row["is_mobile_phone_valid"]


def test_a_missing_column_is_named(normaliser: RecordNormaliser) -> None:
    with pytest.raises(ValueError, match="full_name"):
        normaliser.normalise(pd.DataFrame([{"given_name": "Ana"}]))
