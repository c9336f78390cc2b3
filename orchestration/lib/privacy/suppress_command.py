"""`cadencia suppress`: check what was asked, find the identifiers, append to the list and to the audit log.

Belongs here: the order of these steps and the sentences. Does not: the list or the identifiers themselves.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

from ml.contact_plan import CONTACT_CHANNELS
from orchestration.lib.errors import InputError
from orchestration.lib.privacy.audit_log import append, subject_pseudonym
from orchestration.lib.privacy.suppression_subjects import (
    identifiers_of_customer,
    identifiers_of_value,
)
from orchestration.lib.privacy.suppressions import (
    ALL,
    CONTACT,
    LIFT,
    PROFILING,
    REASONS,
    SUPPRESS,
    Identifier,
    append_events,
    in_force,
    read_events,
)
from orchestration.settings import Settings


@dataclass(frozen=True)
class SuppressOptions:
    """What was typed; ``values`` by kind of identifier, empty where nothing was given."""

    values: Mapping[str, str]
    customer_id: str = ""
    channel: str = ALL
    is_profiling: bool = False
    reason: str = "request"
    until: str = ""
    is_lift: bool = False


def suppress_person(settings: Settings, options: SuppressOptions) -> str:
    """Append what was asked and return a sentence about it, without personal data.

    Raises
    ------
    InputError
        When an option can't be used or nobody is named.
    """
    now = datetime.now(UTC)
    until = _checked(options, now.date())
    identifiers = _identifiers(settings, options)
    purpose = PROFILING if options.is_profiling else CONTACT
    held = in_force(read_events(settings.home), now.date())
    if options.is_lift and not any(
        entry.event.purpose == purpose and entry.event.identifier in identifiers for entry in held
    ):
        raise InputError(
            "Our own list has no such entry in force, so there is nothing to lift. Withdrawals and "
            "entries of other lists are lifted where they were made."
        )
    subject = subject_pseudonym(settings.home, options.customer_id) if options.customer_id else None
    details = {
        "channel": options.channel,
        "purpose": purpose,
        "reason": options.reason,
        "identifiers": len(identifiers),
        "until": until.isoformat() if until else None,
    }
    action = "lift_suppression" if options.is_lift else "suppress"
    append(settings.home, action, details, now=now, subject=subject)
    append_events(
        settings.home,
        identifiers,
        now=now,
        action=LIFT if options.is_lift else SUPPRESS,
        purpose=purpose,
        channel=options.channel,
        reason=options.reason,
        valid_until=until,
    )
    return _sentence(options, len(identifiers), until)


def _checked(options: SuppressOptions, today: date) -> date | None:
    """Refuse options that contradict each other; return the last day."""
    if options.channel not in (ALL, *CONTACT_CHANNELS):
        raise InputError(
            f"The channel '{options.channel}' is unknown. Use all, {', '.join(CONTACT_CHANNELS)}."
        )
    if options.reason not in REASONS:
        raise InputError(f"The reason '{options.reason}' is unknown. Use {', '.join(REASONS)}.")
    if options.is_profiling and options.channel != ALL:
        raise InputError("Profiling has no channel: leave --channel out with --profiling.")
    if not options.until:
        return None
    if options.is_lift:
        raise InputError("A lift is for good: leave --until out with --lift.")
    try:
        until = date.fromisoformat(options.until)
    except ValueError:
        raise InputError(f"'{options.until}' is no day. Write --until as YYYY-MM-DD.") from None
    if until < today:
        raise InputError(f"--until {until} is in the past, so the entry would never hold.")
    return until


def _identifiers(settings: Settings, options: SuppressOptions) -> list[Identifier]:
    found: list[Identifier] = []
    for kind, value in options.values.items():
        if value.strip():
            found += identifiers_of_value(kind, value)
    if options.customer_id:
        crm_file = settings.warehouse_dir / "crm.duckdb"
        found += identifiers_of_customer(crm_file, options.customer_id)
    if not found:
        raise InputError("Name the person by --email, --phone, --national-id or --customer-id.")
    return list(dict.fromkeys(found))


def _sentence(options: SuppressOptions, count: int, until: date | None) -> str:
    what = "profiling" if options.is_profiling else f"contacts ({options.channel})"
    names = f"{count} identifier{'s' if count > 1 else ''}"
    if options.is_lift:
        return f"Lifted for {what}: {names} of our own list. Withdrawn consents and other lists still hold."
    end = f" until {until}" if until else ""
    when = (
        "Predictions and plays obey from the next run."
        if options.is_profiling
        else "Delivery obeys at once, plans and marts from the next run."
    )
    return f"Suppressed for {what}{end}: {names}, kept as hashes. {when}"
