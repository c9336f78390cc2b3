"""The fields of a play's meta and what each may hold.

Belongs here: field rules and the sentences for broken ones. Does not: the definition itself.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

CONTACT_CHANNELS: Final = ("email", "sms", "whatsapp", "push", "phone", "post")
PLAY_CATEGORIES: Final = (
    "Ciclo",
    "Producto-precio",
    "Online",
    "Campañas",
    "Institucional",
    "Punto de venta",
)
CONSENT: Final = "consent"
SOFT_OPT_IN: Final = "soft_opt_in"
CONTRACT: Final = "contract"
LEGITIMATE_INTEREST: Final = "legitimate_interest"
# By which channels a basis can carry a contact. Soft opt-in is a rule about e-mail and its like (LSSI
# 21.2); without consent or a purchase, legitimate interest carries what does not come electronically.
LEGAL_BASES: Final[Mapping[str, tuple[str, ...]]] = {
    CONSENT: CONTACT_CHANNELS,
    SOFT_OPT_IN: ("email", "sms"),
    CONTRACT: CONTACT_CHANNELS,
    LEGITIMATE_INTEREST: ("phone", "post"),
}
SERVICE: Final = "service"
CONSENT_PURPOSES: Final = ("marketing", "profiling", "third_parties", SERVICE)
_PLAY_NAME = re.compile(r"[a-z][a-z0-9_]*")

# A field rule returns what the field must be when the value breaks it, else None.
_FieldRule = Callable[[object], str | None]


def _check_text(value: object) -> str | None:
    return None if isinstance(value, str) and value.strip() else "a text that is not empty"


def _check_flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "true or false"


def _check_category(value: object) -> str | None:
    return None if value in PLAY_CATEGORIES else f"one of {', '.join(PLAY_CATEGORIES)}"


def _check_channels(value: object) -> str | None:
    wish = f"a list, in order of preference and without repeats, of {', '.join(CONTACT_CHANNELS)}"
    if not isinstance(value, (list, tuple)) or not value:
        return wish
    is_known = all(isinstance(item, str) and item in CONTACT_CHANNELS for item in value)
    return None if is_known and len(set(value)) == len(value) else wish


def _check_purpose(value: object) -> str | None:
    return None if value in CONSENT_PURPOSES else f"one of {', '.join(CONSENT_PURPOSES)}"


def _check_legal_basis(value: object) -> str | None:
    wish = f"one of {', '.join(LEGAL_BASES)}, or a mapping from each channel of the play to one"
    bases = list(value.values()) if isinstance(value, Mapping) else [value]
    is_known = all(isinstance(basis, str) and basis in LEGAL_BASES for basis in bases)
    return None if bases and is_known else wish


def _check_share(value: object) -> str | None:
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return None
    return "a share from 0 to 1"


def _whole_number(lowest: int, highest: float) -> _FieldRule:
    limit = f"from {lowest} to {highest}" if math.isfinite(highest) else f"of {lowest} or more"

    def check(value: object) -> str | None:
        # YAML's true is an int for Python, but not a number for whoever wrote it.
        if isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= highest:
            return None
        return f"a whole number {limit}"

    return check


FIELD_RULES: Final[Mapping[str, _FieldRule]] = {
    "title": _check_text,
    "title_es": _check_text,
    "line_of_business": _check_text,
    "lifecycle_stage": _check_text,
    "category": _check_category,
    "goal": _check_text,
    "kpi": _check_text,
    "consent_purpose": _check_purpose,
    "legal_basis": _check_legal_basis,
    "uses_profiling": _check_flag,
    "channels": _check_channels,
    "template": _check_text,
    "offer_is_discount": _check_flag,
    "priority": _whole_number(1, 100),
    "cooldown_days": _whole_number(0, math.inf),
    "validity_days": _whole_number(1, math.inf),
    "prior_incremental_response_share": _check_share,
    "is_automatic": _check_flag,
}


def find_meta_problems(name: str, meta: Mapping[str, Any]) -> list[str]:
    """List what is wrong with a play's meta, one sentence a problem.

    Unknown fields are problems too: a misspelt field would otherwise be a missing one at best and
    silently ignored at worst.

    Parameters
    ----------
    name
        Name of the play; it starts each sentence.
    meta
        The fields as read from yml.
    """
    if not _PLAY_NAME.fullmatch(name):
        return [f"Play '{name}': the name must be lower-case letters, digits and underscores."]
    if not isinstance(meta, Mapping):
        return [f"Play '{name}': the meta is {meta!r}; it must be a mapping of fields."]
    problems = [
        f"Play '{name}': field '{field}' is missing." for field in FIELD_RULES if field not in meta
    ]
    problems += [
        f"Play '{name}': field '{field}' is unknown; remove it or correct its spelling."
        for field in meta
        if field not in FIELD_RULES
    ]
    for field, check in FIELD_RULES.items():
        wish = check(meta[field]) if field in meta else None
        if wish is not None:
            problems.append(
                f"Play '{name}': field '{field}' is {meta[field]!r}; it must be {wish}."
            )
    return problems or _find_legal_problems(name, meta)


def bases_by_channel(meta: Mapping[str, Any]) -> dict[str, str]:
    """Return the legal basis of each channel of a play: one for all of them, or one each."""
    basis = meta["legal_basis"]
    return dict(basis) if isinstance(basis, Mapping) else dict.fromkeys(meta["channels"], basis)


def _find_legal_problems(name: str, meta: Mapping[str, Any]) -> list[str]:
    """List where fields that are right by themselves contradict each other before the law."""
    bases = bases_by_channel(meta)
    start = f"Play '{name}': field 'legal_basis'"
    if set(bases) != set(meta["channels"]):
        return [
            f"{start} names the channels {', '.join(bases)}; give one basis for each of the play's "
            f"channels, which are {', '.join(meta['channels'])}."
        ]
    problems = [
        f"{start} is {basis} for the channel '{channel}', which it can't carry; it is for "
        f"{', '.join(LEGAL_BASES[basis])}. Use another basis, e.g. {CONSENT}."
        for channel, basis in bases.items()
        if channel not in LEGAL_BASES[basis]
    ]
    purpose = meta["consent_purpose"]
    is_contract = CONTRACT in bases.values()
    if (purpose == SERVICE) != is_contract or (len(set(bases.values())) > 1 and is_contract):
        problems.append(
            f"{start} and 'consent_purpose' contradict each other: messages that a contract needs "
            f"have the basis {CONTRACT} on every channel and the purpose {SERVICE}, and no other "
            "message has either."
        )
    if purpose in ("profiling", "third_parties") and set(bases.values()) != {CONSENT}:
        problems.append(
            f"{start} must be {CONSENT} on every channel for the purpose '{purpose}': nothing else "
            "allows it."
        )
    return problems
