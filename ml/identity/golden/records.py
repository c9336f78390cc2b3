"""The values of customer records that are fit for use: what links people and what survives reads them.

Belongs here: which of the normalised values count, a record's name and the hash of its content. Does
not: normalising (`ml/identity/normalise`).
"""

from __future__ import annotations

import duckdb

RECORDS = "identity.customer_records"
USABLE = "identity.usable_records"
# What tells people apart; two records of a system with all of it alike are the same one under new keys.
IDENTIFYING = (
    "full_name_raw", "given_name_raw", "surnames_raw", "surname_1_raw", "surname_2_raw", "email_raw",
    "phone_raw", "mobile_phone_raw", "national_id_raw", "street_raw", "city_raw", "postal_code_raw",
    "birth_date_raw", "loyalty_card",
)  # fmt: skip
# One of these must be there: a city or a date alone is the content of many.
NAMING = (
    "full_name_raw", "given_name_raw", "surnames_raw", "surname_1_raw", "email_raw", "phone_raw",
    "mobile_phone_raw", "national_id_raw", "loyalty_card",
)  # fmt: skip


def create_usable_records(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the view ``identity.usable_records`` over ``identity.customer_records``."""
    connection.execute(f"create or replace view {USABLE} as {_usable_sql(RECORDS)}")


def rows_of(records: str, numbers: str) -> str:
    """Return the rows of the records with these numbers, as a relation.

    Parameters
    ----------
    records : str
        Relation with record_id.
    numbers : str
        Relation of one column, numbers as of ``number_of``.
    """
    if records == USABLE:
        # all expressions of the view would be computed of all records before a few are taken
        key = number_of("source_system || ':' || source_customer_id")
        return f"({_usable_sql(f'(select * from {RECORDS} where {key} in (from {numbers}))')})"
    return f"(select * from {records} where {number_of('record_id')} in (from {numbers}))"


def number_of(record_id: str) -> str:
    """Return SQL of a record's number, as the linking numbers records."""
    return f"cast(hash({record_id}) >> 1 as bigint)"


def _usable_sql(source: str) -> str:
    content = " || '|' || ".join(f"coalesce(cast({name} as varchar), '~')" for name in IDENTIFYING)
    return f"""select
        source_system || ':' || source_customer_id as record_id,
        source_system, source_customer_id,
        is_company, is_name_valid, given_name, given_name_root, surname_1, surname_2, is_email_valid,
        email, email_key,
        -- a number counts as what it is, not as what the column it stood in is called
        case
            when is_mobile_phone_valid and mobile_phone_kind = 'mobile' then mobile_phone
            when is_phone_valid and phone_kind = 'mobile' then phone
        end as mobile_phone,
        case
            when is_phone_valid and phone_kind <> 'mobile' then phone
            when is_mobile_phone_valid and mobile_phone_kind <> 'mobile' then mobile_phone
        end as landline_phone,
        is_national_id_valid, national_id, national_id_kind, is_address_parsed, street, street_type,
        street_name, street_number, floor, door, city, is_postal_code_valid, postal_code, province_code,
        municipality_code, country_code, is_birth_date_valid, birth_date,
        gender, loyalty_card, age_band, income_band, household_size, household_composition,
        home_ownership, marital_status, kids_count,
        -- an address on file that can't be one reaches nobody
        coalesce(is_email_valid, has_email, false) as has_email,
        coalesce(is_phone_valid or is_mobile_phone_valid, is_mobile_phone_valid, is_phone_valid,
            has_phone, false) as has_phone,
        coalesce(has_postal_address, false) or (street is not null and is_postal_code_valid)
            as has_postal_address,
        coalesce(has_push, false) as has_push,
        coalesce(record_updated_at, first_seen_at) as record_updated_at,
        first_seen_at,
        -- another one when any value changed, or what values are normalised with
        record_hash || '/' || normalised_with as record_hash,
        case when coalesce({", ".join(NAMING)}) is not null then md5({content}) end
            as content_hash
        from {source}"""
