"""The form in which identifiers of a kind are compared, as SQL: the same for tables, files and tombstones.

Belongs here: which spellings of a value are one identifier. Does not: judging values
(`ml/identity/normalise`), finding people (`subjects`).
"""

from __future__ import annotations

# Kinds that point at one person by themselves, in the order in which they are told.
STRONG_KINDS = ("email", "phone", "national_id", "loyalty_card", "device_id", "account")
# Numbers that a system gives out: to have the number again is no sign of having signed up again.
GIVEN_KINDS = ("customer_key", "loyalty_card", "account")
# What the search for leaks looks for beside them; they may be somebody else's as well.
WEAK_KINDS = ("given_name", "surname", "full_name", "address", "birth_date", "vehicle")


def form_sql(kind: str, value: str) -> str:
    """Return SQL of the form of a text; NULL when nothing is left of it.

    Parameters
    ----------
    kind
        An ``identifier_kind`` of the contracts.
    value
        SQL of the value, as text.
    """
    text = f"nullif(trim(replace({value}, '''', '')), '')"
    if kind == "email":
        local = f"split_part(split_part(lower({text}), '@', 1), '+', 1)"
        return (
            f"case when regexp_full_match(lower({text}), '[^@]+@(gmail|googlemail)[.]com') "
            f"then replace({local}, '.', '') || '@gmail.com' else lower({text}) end"
        )
    if kind == "phone":
        digits = f"regexp_replace(regexp_replace({text}, '[.]0$', ''), '[^0-9]', '', 'g')"
        return f"case when length({digits}) >= 7 then right({digits}, 9) end"
    if kind == "national_id":
        return f"nullif(upper(regexp_replace({text}, '[^0-9A-Za-z]', '', 'g')), '')"
    if kind in ("given_name", "surname", "full_name", "address", "vehicle"):
        plain = f"regexp_replace(strip_accents(lower({text})), '[^0-9a-z]+', ' ', 'g')"
        return f"nullif(trim({plain}), '')"
    return f"lower({text})"
