"""The benchmark's tables as text. No number is computed here beyond means of rows."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from ml.lifetime_value.champion import Grading
from ml.lifetime_value.champion.rolling import CHAMPION, UNCALIBRATED, summary_of_gains
from ml.lifetime_value.purchases import PurchaseLog
from ml.lifetime_value.purchases.log import EPOCH

COLUMNS = (
    ("mae", "MAE", "{:.3f}"),
    ("rmse", "RMSE", "{:.3f}"),
    ("bias_share", "bias", "{:+.1%}"),
    ("correlation", "corr", "{:.3f}"),
    ("top_10_share_capture", "top 10 %", "{:.1%}"),
    ("calibration_error", "cal.err", "{:.3f}"),
    ("poisson_deviance", "deviance", "{:.4f}"),
    ("coverage_80", "cover 80", "{:.1%}"),
    ("skill_share", "skill", "{:+.1%}"),
    ("grade", "grade", "{}"),
)


def day(number: int) -> dt.date:
    """Return the date of a day number."""
    return EPOCH + dt.timedelta(days=number)


def print_base(log: PurchaseLog, origin: int, end: int) -> None:
    """Print what the log holds."""
    known = log.before(origin)
    repeaters = int((np.bincount(known.customer) > 1).sum())
    print(
        f"  {log.customer_ids.size:,} customers, {log.day.size:,} purchase days, "
        f"{log.return_day.size:,} days of returns, {day(log.first_day)} to {day(log.last_day)}"
    )
    print(
        f"  known on {day(origin - 1)}: {known.customer_ids.size:,} customers, {repeaters:,} with a "
        f"repeat purchase; graded to {day(end - 1)}"
    )


def print_grading(grading: Grading, table: pd.DataFrame, notes: list[str], seconds: float) -> None:
    """Print one origin: candidates, champion, intervals, value."""
    print(
        f"\nOrigin {day(grading.origin - 1)}, {grading.horizon_days} days ahead, "
        f"{grading.customers:,} customers, {seconds:.1f} s"
    )
    if not grading.purchases_after:
        print("  Nobody who was known then bought in the holdout: there is nothing to grade on.")
        print("  The champion abstains from here on.")
        return
    if not table.empty:
        print_table(table)
    for model, reason in grading.model_reasons.items():
        print(f"  {model}: {reason}")
    for note in notes:
        print(f"  {note}")
    champion = grading.champion
    if champion is None:
        print(f"  The champion abstains: {grading.reason}")
        return
    choice = champion.choice
    learnt = ", ".join(str(day(origin - 1)) for origin in champion.plan.origins)
    print(
        f"  champion = {choice.model} (weight of the correction {choice.correction_weight:.2f}, of "
        f"the supervised model {choice.free_weight:.2f}), chosen on {champion.plan.horizon_days} "
        f"days after {learnt}"
    )
    if champion.plan.horizon_days < champion.horizon_days:
        print(
            f"  The history allows to learn {champion.plan.horizon_days} days ahead only; the "
            f"forecast carries that on to {champion.horizon_days}."
        )
    row = table.set_index("model").loc[CHAMPION]
    print(
        f"  80 % intervals of purchases cover {row['coverage_80']:.1%} "
        f"({row['randomised_coverage_80']:.1%} of the uncorrected distribution without ties)"
    )
    if grading.reason:
        print(f"  It abstains, by what was known then: {grading.reason}")
    if grading.verdict:
        print(f"  It has to abstain from the holdout on: {grading.verdict}")
    print_value(grading)


def print_table(table: pd.DataFrame) -> None:
    """Print one row a candidate."""
    print("  " + f"{'':26}" + "".join(f"{title:>10}" for _, title, _ in COLUMNS))
    names = {CHAMPION: "CHAMPION", UNCALIBRATED: "champion, not recalibrated"}
    for row in table.to_dict("records"):
        cells = []
        for key, _, form in COLUMNS:
            value = row.get(str(key))
            cells.append("" if value is None or value != value else form.format(value))
        name = names.get(str(row["model"]), str(row["model"]))
        print("  " + f"{name:26}" + "".join(f"{cell:>10}" for cell in cells))


def print_value(grading: Grading) -> None:
    """Print how value models did and what the intervals of value covered."""
    value = grading.value
    if value is None:
        return
    if value.choice.model is None:
        print(f"  Value abstains: {value.choice.reason}")
        return
    for row in grading.spend.to_dict("records"):
        shown = row["model"] == value.choice.model or row["model"] in (
            "naive_mean",
            "own_mean",
            "gamma_gamma",
        )
        if shown:
            mark = " <- chosen at the earlier origin" if row["is_chosen"] else ""
            print(f"  value of a purchase, {row['model']:<18} RMSE {row['rmse']:12.3f}{mark}")
    if grading.value_coverage is not None:
        print(f"  80 % intervals of value cover {grading.value_coverage:.1%}")


def print_gains(gradings: list[Grading]) -> None:
    """Print by how much the champion beats the best single classic, over the origins."""
    gains = summary_of_gains(gradings).dropna()
    if gains.empty:
        return
    print("\nChampion against the best single classic of each origin (chosen in hindsight)")
    for row in gains.to_dict("records"):
        print(
            f"  {day(int(row['origin']) - 1)}  RMSE {-row['rmse_gain_share']:+.1%}  "
            f"deviance {-row['deviance_gain_share']:+.1%}"
        )
    print(
        f"  mean of {len(gains)}      RMSE {-gains['rmse_gain_share'].mean():+.1%}  "
        f"deviance {-gains['deviance_gain_share'].mean():+.1%}"
    )
