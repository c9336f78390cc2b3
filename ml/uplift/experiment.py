"""A campaign's frame, checked and taken apart: arms, outcomes, customers left out.

Belongs here: reading columns and the refusals that need no model. Does not: whether the treatment was
random (`randomisation`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.uplift.config import UpliftConfig, UpliftError
from ml.uplift.encoding import FloatArray

_CONTROL_WORDS = re.compile(
    r"^(0|0\.0|false|f|none|nothing|control.*|.*[ _-]control|no([ _-].*)?|holdout.*|hold[ _-]out.*"
    r"|placebo|untreated|not[ _-].*|sin[ _-].*|ninguno)$",
    re.IGNORECASE,
)
_YES = frozenset({"1", "1.0", "true", "t", "yes", "y", "si", "sí"})
_NO = frozenset({"0", "0.0", "false", "f", "no", "n"})


@dataclass(frozen=True)
class Campaign:
    """
    A randomised campaign as columns.

    Parameters
    ----------
    frame
        Usable rows, with their own index renewed.
    arm
        Treatment of each row as text.
    control
        Name of the control group.
    arms
        Names of the others, in alphabetical order.
    outcome
        Number of each row.
    is_binary
        Whether outcomes are 0 and 1.
    group
        Number of the customer where rows repeat customers, else None.
    row
        Position of each row in the frame given.
    notes
        What was left out.
    """

    frame: pd.DataFrame
    arm: NDArray[np.str_]
    control: str
    arms: tuple[str, ...]
    outcome: FloatArray
    is_binary: bool
    group: NDArray[np.int64] | None
    row: NDArray[np.intp]
    notes: tuple[str, ...]


def read_campaign(
    frame: pd.DataFrame,
    *,
    treatment: str,
    outcome: str,
    features: Sequence[str],
    control: str | None = None,
    customer: str | None = None,
) -> Campaign:
    """
    Check the columns and take them apart.

    Parameters
    ----------
    frame
        One row a customer, or a customer and campaign when `customer` is named.
    treatment, outcome, features
        Columns. The treatment may be boolean, a number or text with two or more values.
    control
        Value of the treatment that means "nothing"; found by its name when left out.
    customer
        Column of customer ids where they repeat, so that no customer judges a model they taught.

    Raises
    ------
    UpliftError
        When a column is missing or can't be understood.
    """
    for name in (treatment, outcome, *features, *([customer] if customer else [])):
        if name not in frame:
            columns = ", ".join(map(str, frame.columns))
            raise UpliftError(f"There is no column {name!r}; the frame has {columns}.")
    clash = [name for name in features if name in (treatment, outcome, customer)]
    if clash:
        raise UpliftError(
            f"{clash[0]!r} is named as a feature and as treatment, outcome or customer; a feature must "
            "be known before the message was sent."
        )
    if frame.columns.duplicated().any():
        raise UpliftError("Two columns have the same name; rename one.")
    if frame.empty:
        raise UpliftError("The frame has no rows; check the file or the filter.")
    arm = _treatments(frame[treatment])
    numbers = _outcomes(frame[outcome], outcome)
    if not np.isfinite(numbers).any():
        raise UpliftError(f"Column {outcome!r} has no value in any row; name the outcome's column.")
    is_usable = arm.notna().to_numpy() & np.isfinite(numbers)
    notes = []
    if not is_usable.all():
        notes.append(
            f"{int((~is_usable).sum()):,} of {len(frame):,} rows have no treatment or no outcome and "
            "were left out."
        )
    rows = np.flatnonzero(is_usable)
    kept = frame.iloc[rows].reset_index(drop=True)
    names = arm.iloc[rows].to_numpy(dtype=np.str_)
    values = sorted(set(names.tolist()))
    chosen = _control(values, control, treatment)
    group = None
    if customer:
        codes = pd.factorize(kept[customer].astype("string"), sort=True, use_na_sentinel=False)[0]
        group = codes.astype(np.int64) if len(set(codes.tolist())) < len(codes) else None
    y = numbers[rows]
    return Campaign(
        frame=kept,
        arm=names,
        control=chosen,
        arms=tuple(value for value in values if value != chosen),
        outcome=y,
        is_binary=bool(np.isin(y, (0.0, 1.0)).all()),
        group=group,
        row=rows,
        notes=tuple(notes),
    )


def too_little(campaign: Campaign, arm: str, config: UpliftConfig) -> str:
    """Return why this arm can't be compared with control, or an empty text."""
    for name in (campaign.control, arm):
        here = campaign.arm == name
        customers, outcomes = int(here.sum()), int((campaign.outcome[here] != 0).sum())
        if customers < config.min_customers:
            return (
                f"{name!r} has {customers:,} customers, fewer than the {config.min_customers} needed to "
                "see any effect; send to more, or wait for more campaigns."
            )
        if outcomes < config.min_outcomes:
            return (
                f"{name!r} has {outcomes:,} customers with an outcome, fewer than the "
                f"{config.min_outcomes} needed; take a commoner outcome (a visit, not an order) or a "
                "longer window."
            )
    if campaign.group is not None:
        here = (campaign.arm == arm) | (campaign.arm == campaign.control)
        customers = len(np.unique(campaign.group[here]))
        if customers < config.min_customers:
            return (
                f"The rows come from {customers:,} customers, fewer than the {config.min_customers} "
                "needed to tell customers apart; wait for more campaigns to more people."
            )
    if np.ptp(campaign.outcome[(campaign.arm == arm) | (campaign.arm == campaign.control)]) == 0:
        return "The outcome is the same for everybody, so there is nothing to learn."
    return ""


def _treatments(values: pd.Series) -> pd.Series:
    if pd.api.types.is_float_dtype(values.dtype) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    text = values.astype("string").str.strip()
    return text.mask(text == "")


def _outcomes(values: pd.Series, name: str) -> FloatArray:
    if pd.api.types.is_numeric_dtype(values.dtype) or pd.api.types.is_bool_dtype(values.dtype):
        return _as_floats(values.astype("Float64"))
    text = values.astype("string").str.strip().str.lower()
    known = set(text.dropna().unique().tolist()) - {""}
    if known <= _YES | _NO and known:
        is_known = text.isin(list(_YES | _NO)).to_numpy(dtype=bool, na_value=False)
        is_yes = text.isin(list(_YES)).to_numpy(dtype=bool, na_value=False)
        return np.asarray(np.where(is_known, is_yes.astype(float), np.nan), dtype=np.float64)
    numbers = pd.to_numeric(text, errors="coerce").astype("Float64")
    bad = numbers.isna() & text.notna() & (text != "")
    if bad.any():
        example = text[bad].iloc[0]
        raise UpliftError(
            f"Column {name!r} holds {example!r}, which is no number and no yes or no; give 0 and 1, or "
            "an amount with a decimal point."
        )
    return _as_floats(numbers)


def _as_floats(values: pd.Series) -> FloatArray:
    return np.asarray(values.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def _control(values: Sequence[str], control: str | None, treatment: str) -> str:
    shown = ", ".join(repr(value) for value in values[:10])
    if len(values) < 2:
        raise UpliftError(
            f"Column {treatment!r} has one value only ({shown or 'none'}), so nobody was left without "
            "treatment: keep a control group, chosen at random, in the next campaign."
        )
    if control is not None:
        if control not in values:
            raise UpliftError(f"No row of {treatment!r} is {control!r}; its values are {shown}.")
        return control
    if len(values) > 20:
        raise UpliftError(
            f"Column {treatment!r} has {len(values)} values ({shown}, ...); a treatment has a few. Name "
            "another column."
        )
    likely = [value for value in values if _CONTROL_WORDS.match(value)]
    if len(likely) != 1:
        raise UpliftError(
            f"Which value of {treatment!r} means 'no treatment' is not plain from its values ({shown}); "
            "name it with control (--control VALUE)."
        )
    return likely[0]
