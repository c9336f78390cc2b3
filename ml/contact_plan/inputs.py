"""Check the frames that a plan is made of and bring them into one canonical form and order.

Belongs here: columns, keys, types, and what may be known on the plan date. Does not: any rule.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.contact_plan.definitions import ChannelDefinition, PlanPolicy, PlayDefinition
from ml.contact_plan.errors import DefinitionError, PlanInputError
from ml.contact_plan.holdout import check_holdout_key
from ml.contact_plan.legal import EVERY_FACT, without_moot_facts
from ml.contact_plan.play_meta import CONTACT_CHANNELS

CANDIDATE_COLUMNS: Final = (
    "play",
    "customer_id",
    "due_at",
    "valid_until",
    "reason",
    "expected_order_value",
    "offer",
    "recommended_category",
    "recommended_product_ids",
)
# For each channel the facts that stand in the way of a contact, as one number (`legal.Fact`).
FACTS_OF: Final[Mapping[str, str]] = {name: f"{name}_facts" for name in CONTACT_CHANNELS}
CUSTOMER_COLUMNS: Final = (
    "customer_id",
    *FACTS_OF.values(),
    "best_channel",
    "rfm_cell",
    "rfm_group",
    "preferred_hour",
)
HISTORY_COLUMNS: Final = ("customer_id", "play", "channel", "sent_at")
_ONE_DAY: Final = np.timedelta64(1, "D")


class _Named(Protocol):
    @property
    def name(self) -> str: ...


_Definition = TypeVar("_Definition", bound=_Named)


@dataclass(frozen=True, eq=False)
class PlanContext:
    """Everything but the candidates, checked and in canonical order.

    Plays and channels are in order of their names and customers in order of their ids; candidates
    and history refer to them by position. `history` holds the contacts known on the plan date:
    customer (position), play (name) and sent_day.
    """

    plan_day: np.datetime64
    send_day: np.datetime64
    plays: tuple[PlayDefinition, ...]
    channels: tuple[ChannelDefinition, ...]
    customers: pd.DataFrame
    history: pd.DataFrame
    policy: PlanPolicy
    holdout_key: bytes = field(repr=False)


def make_context(
    plays: Iterable[PlayDefinition],
    channels: Iterable[ChannelDefinition],
    customers: pd.DataFrame,
    history: pd.DataFrame,
    plan_date: dt.date,
    policy: PlanPolicy,
    holdout_key: bytes,
) -> PlanContext:
    """Check definitions, customers and history; keep of the history what is known by `plan_date`.

    Raises
    ------
    ContactPlanError
        When a definition is missing or doubled, or a frame lacks columns or has an unusable key.
    """
    check_holdout_key(holdout_key)
    known_plays = _sort_definitions(plays, "play")
    known_channels = _sort_definitions(channels, "channel")
    _check_channels_of_plays(known_plays, known_channels)
    plan_day = np.datetime64(plan_date.isoformat()[:10], "D")
    is_sunday = plan_date.isoweekday() == 7
    send_day = plan_day + _ONE_DAY if is_sunday and policy.is_sunday_quiet else plan_day
    known_customers = _prepare_customers(customers)
    return PlanContext(
        plan_day=plan_day,
        send_day=send_day,
        plays=known_plays,
        channels=known_channels,
        customers=known_customers,
        history=_prepare_history(history, known_customers, plan_day),
        policy=policy,
        holdout_key=holdout_key,
    )


def prepare_candidates(candidates: pd.DataFrame, context: PlanContext) -> pd.DataFrame:
    """Check the candidates and order them by customer and play.

    Parameters
    ----------
    candidates
        One row per play and customer, with `CANDIDATE_COLUMNS`.
    context
        What the candidates refer to.

    Returns
    -------
    pandas.DataFrame
        `CANDIDATE_COLUMNS` (dates as days, value as float) + `play_position` and
        `customer_position` in the context.

    Raises
    ------
    PlanInputError
        When columns are missing, plays or customers unknown, or (play, customer_id) not unique.
    """
    _check_columns(candidates, CANDIDATE_COLUMNS, "The candidates")
    play_names = pd.Index([play.name for play in context.plays], dtype=object)
    play_position = find_positions(play_names, candidates["play"])
    _raise_if_any(candidates, play_position < 0, "of plays that are not defined; add the play")
    customer_ids = pd.Index(context.customers["customer_id"])
    customer_position = find_positions(customer_ids, candidates["customer_id"])
    hint = "whose customer_id is not among the customers; correct the play's model"
    _raise_if_any(candidates, customer_position < 0, hint)

    order = np.lexsort((play_position, customer_position))
    prepared = candidates[list(CANDIDATE_COLUMNS)].iloc[order].reset_index(drop=True)
    prepared["play_position"] = play_position[order]
    prepared["customer_position"] = customer_position[order]
    keys = prepared[["customer_position", "play_position"]]
    hint = "that repeat a (play, customer_id); give each customer one row in the play's model"
    _raise_if_any(prepared, keys.duplicated().to_numpy(), hint)
    for column in ("due_at", "valid_until"):
        days = to_days(prepared[column], f"The candidates' column '{column}'")
        _raise_if_any(prepared, np.isnat(days), f"without {column}; set it in the play's model")
        prepared[column] = days.astype("datetime64[s]")
    prepared["expected_order_value"] = _to_numbers(prepared, "expected_order_value", "candidates")
    return prepared


def to_days(values: pd.Series, what: str) -> NDArray[np.datetime64]:
    """Read dates or timestamps (with a zone: in UTC) as days, with NaT for missing ones."""
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        values = values.dt.tz_convert("UTC").dt.tz_localize(None)
    if pd.api.types.is_datetime64_dtype(values.dtype):
        return values.to_numpy().astype("datetime64[D]")
    objects = pd.Series([None if pd.isna(value) else value for value in values], dtype=object)
    try:
        if any(getattr(value, "tzinfo", None) is not None for value in objects):
            return to_days(pd.to_datetime(objects, utc=True), what)
        # numpy and not pandas: an open end such as 9999-12-31 doesn't fit pandas' nanoseconds.
        return np.array(objects.to_list(), dtype="datetime64[D]")
    except (ValueError, TypeError) as error:
        raise PlanInputError(
            f"{what} holds values that are not dates ({error}); cast it in SQL."
        ) from error


def find_positions(names: pd.Index[Any], values: pd.Series[Any]) -> NDArray[np.int64]:
    """Find each value's position among the names, -1 for a value that isn't one of them."""
    wanted = pd.Index(values.to_numpy(dtype=object), dtype=object)
    return names.get_indexer(wanted).astype(np.int64)


def _sort_definitions(definitions: Iterable[_Definition], kind: str) -> tuple[_Definition, ...]:
    ordered = sorted(definitions, key=lambda definition: definition.name)
    for first, second in itertools.pairwise(ordered):
        if first.name == second.name:
            raise DefinitionError(f"The {kind} '{first.name}' is defined twice; keep one.")
    return tuple(ordered)


def _check_channels_of_plays(
    plays: tuple[PlayDefinition, ...], channels: tuple[ChannelDefinition, ...]
) -> None:
    known = {channel.name for channel in channels}
    for play in plays:
        unknown = [name for name in play.channels if name not in known]
        if unknown:
            raise DefinitionError(
                f"Play '{play.name}': field 'channels' names {', '.join(unknown)}, for which no "
                "cost and capacity are defined; define the channel or take it out of the play."
            )


def _prepare_customers(customers: pd.DataFrame) -> pd.DataFrame:
    _check_columns(customers, CUSTOMER_COLUMNS, "The customers")
    prepared = customers[list(CUSTOMER_COLUMNS)].astype({"customer_id": object})
    if pd.api.types.infer_dtype(prepared["customer_id"], skipna=False) not in {"string", "empty"}:
        raise PlanInputError(
            "The customers' column 'customer_id' holds values that are not texts, or none; "
            "cast it in SQL and leave out rows without it."
        )
    prepared = prepared.sort_values("customer_id", kind="stable").reset_index(drop=True)
    repeated = prepared["customer_id"].duplicated()
    if repeated.any():
        raise PlanInputError(
            f"The customers have {int(repeated.sum())} rows that repeat a customer_id (first: "
            f"{prepared.loc[repeated, 'customer_id'].iloc[0]}); give one row per customer."
        )
    for column in FACTS_OF.values():
        prepared[column] = _to_facts(prepared, column)
    prepared["rfm_cell"] = _to_cell_text(prepared["rfm_cell"])
    prepared["preferred_hour"] = _to_numbers(prepared, "preferred_hour", "customers")
    return prepared


def _prepare_history(
    history: pd.DataFrame, customers: pd.DataFrame, plan_day: np.datetime64
) -> pd.DataFrame:
    """Keep the contacts that are known on the plan date, of customers that still exist.

    A contact is known when it was sent before that day. When the history has a `plan_date`, it is
    also known when an earlier plan decided it: a Sunday's plan is sent on Monday, and Monday's
    plan must count it although it has not been sent yet.
    """
    _check_columns(history, HISTORY_COLUMNS, "The contact history")
    sent_day = to_days(history["sent_at"], "The contact history's column 'sent_at'")
    missing = int(np.isnat(sent_day).sum())
    if missing:
        raise PlanInputError(
            f"The contact history has {missing} rows without sent_at; leave out what was not sent."
        )
    is_known = sent_day < plan_day
    if "plan_date" in history.columns:
        decided = to_days(history["plan_date"], "The contact history's column 'plan_date'")
        is_known |= decided < plan_day
    customer_ids = pd.Index(customers["customer_id"])
    position = find_positions(customer_ids, history["customer_id"])
    keep = is_known & (position >= 0)
    return pd.DataFrame(
        {
            "customer_position": position[keep],
            "play": history["play"].to_numpy(dtype=object)[keep],
            "sent_day": sent_day[keep].astype("datetime64[s]"),
        }
    )


def _check_columns(frame: pd.DataFrame, columns: Iterable[str], what: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise PlanInputError(
            f"{what}: missing columns {', '.join(missing)}; add them to the query that reads it."
        )


def _raise_if_any(candidates: pd.DataFrame, is_wrong: NDArray[np.bool_], hint: str) -> None:
    if not is_wrong.any():
        return
    counts = candidates.loc[is_wrong, "play"].astype(str).value_counts().sort_index()
    listed = ", ".join(f"play '{play}' has {count}" for play, count in counts.items())
    raise PlanInputError(f"Candidates: {listed} {hint}.")


def _to_numbers(frame: pd.DataFrame, column: str, what: str) -> NDArray[np.float64]:
    try:
        values = frame[column].astype("Float64")
        return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)
    except (ValueError, TypeError) as error:
        raise PlanInputError(
            f"The {what}' column '{column}' holds values that are not numbers ({error}); "
            "cast it in SQL."
        ) from error


def _to_facts(customers: pd.DataFrame, column: str) -> NDArray[np.int64]:
    try:
        # Nothing known is everything against it: nobody is contacted on a guess.
        known = customers[column].astype("Int64").to_numpy(dtype=np.int64, na_value=EVERY_FACT)
        facts = np.asarray(known, dtype=np.int64)
    except (ValueError, TypeError) as error:
        raise PlanInputError(
            f"The customers' column '{column}' holds values that are not whole numbers ({error}); "
            "build it with orchestration.lib.contact_rights."
        ) from error
    if ((facts < 0) | (facts > EVERY_FACT)).any():
        raise PlanInputError(
            f"The customers' column '{column}' holds facts that ml.contact_plan.legal does not know; "
            "build it with orchestration.lib.contact_rights."
        )
    return without_moot_facts(facts)


def _to_cell_text(cells: pd.Series) -> pd.Series:
    # A cell read as a number (555, or 555.0 beside nulls) must not escape the rules for '555'.
    if pd.api.types.is_numeric_dtype(cells.dtype):
        cells = cells.astype("Int64")
    return cells.astype("string")
