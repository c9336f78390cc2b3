"""Of whom a suppression is: normalise what was given, or find all identifiers of a customer.

Belongs here: from an e-mail, a telephone, a national id or a customer id to hashes. Does not: the list
(`suppressions`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

from ml.identity.normalise.emails import normalise_emails
from ml.identity.normalise.national_ids import normalise_national_ids
from ml.identity.normalise.phones import normalise_phones
from orchestration.lib.connection import open_published
from orchestration.lib.errors import InputError
from orchestration.lib.privacy.suppressions import Identifier, hash_value

Normaliser = Callable[[pd.Series], pd.DataFrame]
NORMALISERS: Mapping[str, tuple[Normaliser, tuple[str, ...], str]] = {
    "email": (normalise_emails, ("email", "email_key"), "e-mail address"),
    "phone": (normalise_phones, ("phone", "phone_second"), "telephone number"),
    "national_id": (normalise_national_ids, ("national_id",), "NIF, NIE or CIF"),
}
# How the list's kinds stand in a record.
RECORD_COLUMNS = {
    "email": ("email", "email_key"),
    "phone": ("mobile_phone", "landline_phone"),
    "national_id": ("national_id",),
}


def identifiers_of_value(kind: str, value: str) -> list[Identifier]:
    """Return the hashes of a value as the systems would have it after normalisation.

    Raises
    ------
    InputError
        When the value can't be read as one of its kind; it is not repeated in the sentence.
    """
    normalise, columns, name = NORMALISERS[kind]
    row = normalise(pd.Series([value])).iloc[0]
    is_valid = row[f"is_{kind}_valid"]
    found = [str(row[column]) for column in columns if not pd.isna(row[column])]
    # A passport has nothing to check, hence no verdict.
    if not found or (not pd.isna(is_valid) and not is_valid):
        raise InputError(
            f"What was given is no {name} that can be used. Look for a slip of the keyboard."
        )
    return [hash_value(kind, text) for text in dict.fromkeys(found)]


def identifiers_of_customer(crm_file: Path, customer_id: str) -> list[Identifier]:
    """Return the hashes of everything that names a customer: each record, address, number and id.

    Records are kept as well as addresses: a customer id may pass to others by a merge or a split, a record
    and an address stay what they are. Records that belonged to the customer earlier count too.

    Raises
    ------
    InputError
        When the published warehouse does not know the customer.
    """
    wanted = ", ".join(f"records.{name}" for names in RECORD_COLUMNS.values() for name in names)
    with open_published(crm_file) as connection:
        rows = connection.execute(
            f"""select identities.source_system || ':' || identities.source_customer_id as record, {wanted}
            from marts.customer_identities as identities
            left join identity.usable_records as records using (source_system, source_customer_id)
            where identities.customer_id = ?
            order by all""",
            [customer_id],
        ).df()
    if rows.empty:
        raise InputError(
            f"The published warehouse knows no customer {customer_id}. `cadencia sql --database crm` finds "
            "the id in marts.dim_customers; a pseudonym of analytics.duckdb is none."
        )
    found = [hash_value("record", record) for record in rows["record"]]
    for kind, columns in RECORD_COLUMNS.items():
        for column in columns:
            found += [hash_value(kind, str(value)) for value in rows[column].dropna()]
    return list(dict.fromkeys(found))
