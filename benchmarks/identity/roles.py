"""Which column of a labelled file plays which role of the resolver: told by --map or guessed by name.

Belongs here: role names, what people call them, and the choice. Does not: reading the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

# The roles of ml.identity.linking and what files call them; numbers at the end don't matter.
ALIASES: Mapping[str, frozenset[str]] = {
    role: frozenset(names.split())
    for role, names in {
        "given_name": "given_name given first_name first firstname forename fname givenname nombre "
        "christian_name first_names given_names forenames",
        "surname": "surname surnames last_name last lastname family_name lname sname apellido "
        "apellidos familyname last_names",
        "full_name": "full_name name fullname person_name customer_name first_and_surname "
        "nombre_completo display_name contact_name organisation organization company company_name "
        "organisation_name organization_name business_name site_name legal_name site party_name",
        "birth_date": "birth_date dob date_of_birth birthdate birthday birth_day born bday "
        "fecha_nacimiento dateofbirth birth",
        "national_id": "national_id ssn soc_sec_id social_security_number nif nie dni cif tax_id "
        "passport passport_number nino nhs_number soc_sec social_security id_number vat vat_number",
        "loyalty_card": "loyalty_card card card_number loyalty_number member_number club_card tarjeta",
        "email": "email e_mail mail email_address correo emailaddress",
        "phone": "phone telephone tel phone_number mobile mobile_phone cell cell_phone fax landline "
        "telefono movil telephone_number mobile_number home_phone work_phone msisdn phonenumber",
        "street": "street address addr street_address street_name street_number house_number "
        "address_line address_line_one address_line_two direccion address_number number street_type "
        "block staircase floor door flat unit apartment addressline house_name calle numero",
        "city": "city town suburb municipality locality village poblacion ciudad city_name "
        "postal_town place district",
        "postal_code": "postal_code postcode zip zip_code zipcode cp codigo_postal post_code "
        "postalcode postcode_fake",
        "province": "province state county region provincia state_code province_code province_name "
        "comunidad department",
        "gender": "gender sex genero sexo",
        "other": "other occupation birth_place birthplace place_of_birth nationality profession job "
        "employer category middle_name",
    }.items()
}  # fmt: skip
# Words of a longer column name that give its role away; the first that is found decides.
_TELLING_WORDS: Mapping[str, str] = {
    "email": "email", "mail": "email", "phone": "phone", "mobile": "phone", "telephone": "phone",
    "postcode": "postal_code", "zip": "postal_code", "postal": "postal_code", "dob": "birth_date",
    "birthdate": "birth_date", "surname": "surname", "apellido": "surname", "forename": "given_name",
    "firstname": "given_name", "lastname": "surname", "address": "street", "street": "street",
    "city": "city", "town": "city", "suburb": "city", "state": "province", "province": "province",
    "county": "province", "gender": "gender", "sex": "gender", "ssn": "national_id",
    "nif": "national_id",
}  # fmt: skip
# Two words together, where one alone would mislead ("first name", "birth place").
_TELLING_PAIRS: Mapping[tuple[str, str], str] = {
    ("first", "name"): "given_name", ("given", "name"): "given_name", ("last", "name"): "surname",
    ("family", "name"): "surname", ("full", "name"): "full_name", ("birth", "date"): "birth_date",
    ("date", "birth"): "birth_date", ("birth", "place"): "other", ("place", "birth"): "other",
    ("national", "id"): "national_id", ("tax", "id"): "national_id", ("social", "security"): "national_id",
    ("site", "name"): "full_name", ("company", "name"): "full_name", ("business", "name"): "full_name",
    ("street", "name"): "street", ("city", "name"): "city",
}  # fmt: skip
# Never compared unless asked for: where a record came from, and what may hold the answer.
_NOT_ABOUT_THE_ENTITY = frozenset(
    [
        "id", "key", "uuid", "guid", "index", "row", "hash", "source", "dataset", "file", "origin",
        "system", "cluster", "entity", "truth", "label", "match", "matched", "group", "household",
        "person", "canonical", "gold", "golden", "duplicate", "dup", "record", "created", "updated",
        "loaded", "timestamp",
    ]
)  # fmt: skip


class MappingError(ValueError):
    """The --map can't be followed; the sentence says which part and what to do."""


def role_named(name: str) -> str | None:
    """Return the role that a word like `dob`, `Address 2` or `date_of_birth` stands for; None if none."""
    word = re.sub(r"[^a-z]+", "_", _snake(name)).strip("_")
    for role, names in ALIASES.items():
        if word in names:
            return role
    return None


def parse_map(texts: Sequence[str], columns: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns of each role, as --map asks.

    Parameters
    ----------
    texts : sequence of str
        `role=column` or `role=column1+column2`, several separated by commas. Unknown roles are `other`.
    columns : sequence of str
        Columns of the file; upper and lower case don't matter where they don't decide.

    Raises
    ------
    MappingError
        When a part isn't of this form or names a column that the file doesn't have.
    """
    fields: dict[str, list[str]] = {}
    for part in _parts(texts, columns):
        name, equals, value = part.partition("=")
        if not (equals and name.strip() and value.strip()):
            raise MappingError(
                f"--map: '{part}' is not role=column. Write for instance dob=date_of_birth,"
                "street=address_1+address_2."
            )
        role = role_named(name) or _guessed_role(name) or "other"
        named = _column(value, columns)
        found = [named] if named else [_existing(one, columns) for one in value.split("+")]
        taken = fields.setdefault(role, [])
        taken.extend(column for column in found if column not in taken)
    if not fields:
        raise MappingError("--map names no column; leave it out to have the roles guessed.")
    return fields


def guess_map(columns: Iterable[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Return the columns of each role by their names, and the columns left out.

    A column whose name says nothing is compared as `other`, unless the name looks like a key, a source
    or a label: those are left out.

    Raises
    ------
    MappingError
        When no column is left to compare.
    """
    fields: dict[str, list[str]] = {}
    left_out: list[str] = []
    for column in columns:
        role = role_named(column) or _guessed_role(column)
        if role is None and not _NOT_ABOUT_THE_ENTITY & set(_snake(column).split("_")):
            role = "other"
        if role is None:
            left_out.append(column)
        else:
            fields.setdefault(role, []).append(column)
    if "given_name" in fields and len(fields.get("full_name", [])) > 1:
        # a second whole name beside its parts is made of them
        left_out.extend(fields["full_name"][1:])
        del fields["full_name"][1:]
    if not fields:
        raise MappingError(
            f"No column of the file looks comparable ({', '.join(left_out) or 'there is none'}); "
            "name them by --map role=column."
        )
    return fields, left_out


def _snake(name: str) -> str:
    """Return `DateOfBirth`, `date-of-birth` and `Date of birth` as date_of_birth."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name)
    return re.sub(r"[^a-z0-9]+", "_", spaced.lower()).strip("_")


def _guessed_role(name: str) -> str | None:
    words = [word.rstrip("0123456789") for word in _snake(name).split("_") if word != "of"]
    for pair in pairwise(words):
        if pair in _TELLING_PAIRS:
            return _TELLING_PAIRS[pair]
    return next((_TELLING_WORDS[word] for word in words if word in _TELLING_WORDS), None)


def _parts(texts: Sequence[str], columns: Sequence[str]) -> list[str]:
    """Split at commas, but not within the name of a column that has one."""
    parts: list[str] = []
    for piece in (piece for text in texts for piece in text.split(",")):
        open_name = parts[-1].partition("=")[2] if parts else ""
        if "=" not in piece and _column(f"{open_name},{piece}", columns):
            parts[-1] += f",{piece}"
        elif piece.strip():
            parts.append(piece.strip())
    return parts


def _column(name: str, columns: Sequence[str]) -> str | None:
    name = name.strip()
    if name in columns:
        return name
    alike = [column for column in columns if column.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _existing(name: str, columns: Sequence[str]) -> str:
    column = _column(name, columns)
    if column is None:
        raise MappingError(
            f"--map: the file has no column '{name.strip()}'; it has {', '.join(columns)}."
        )
    return column
