"""Champion of purchases and value on a transaction log, beside naive, BG/NBD, MBG/NBD, Pareto/NBD.

Learns on what is known at the calibration end, grades on the holdout, and prints both. Works on any
CSV, Parquet, Excel or blank-separated file; where nothing can be said, a sentence says why.
"""

from __future__ import annotations

import argparse
import datetime as dt
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.lifetime_value import printing
from benchmarks.lifetime_value.plainly import MODELS, plain_forecast
from benchmarks.lifetime_value.reading import ReadingError, Transactions, read_transactions
from ml.lifetime_value.champion import ChampionConfig, Grading, grade_at_origin, rolling_origins
from ml.lifetime_value.champion.rolling import candidate_metrics
from ml.lifetime_value.config import LifetimeValueError
from ml.lifetime_value.purchases import (
    PurchaseLog,
    day_number,
    outcome_after,
    purchase_log,
    summary_before,
)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lifetime_value",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--transactions", type=Path, required=True, metavar="FILE")
    parser.add_argument("--customer", required=True, metavar="COL", help="name, or position from 1")
    parser.add_argument("--date", required=True, metavar="COL")
    parser.add_argument("--amount", metavar="COL", help="net amount; or a product, quantity*price")
    parser.add_argument("--currency", metavar="COL")
    parser.add_argument("--date-format", metavar="FORMAT", help="as strptime has it")
    parser.add_argument(
        "--calibration-end", type=dt.date.fromisoformat, required=True, help="last day learnt from"
    )
    parser.add_argument(
        "--holdout-end", type=dt.date.fromisoformat, required=True, help="last day graded on"
    )
    parser.add_argument("--origins", type=int, default=1, help="rolling origins, going back")
    parser.add_argument("--horizon", type=int, metavar="DAYS", help="instead of the whole holdout")
    parser.add_argument("--plain-seconds", type=float, default=60.0, help="for lifetimes, a model")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if options.holdout_end <= options.calibration_end:
        parser.error("--holdout-end must lie after --calibration-end")
    if options.origins < 1:
        parser.error("--origins must be at least 1")
    return options


def window_notes(
    frame: pd.DataFrame, calibration_end: dt.date, holdout_end: dt.date
) -> tuple[pd.DataFrame, list[str]]:
    """Return the rows up to the holdout's end, and what is odd about the dates."""
    notes: list[str] = []
    late = frame["purchase_date"] > pd.Timestamp(holdout_end)
    if late.any():
        notes.append(f"{int(late.sum()):,} rows after {holdout_end} are left out.")
        frame = frame[~late]
    if frame.empty:
        return frame, notes
    last = frame["purchase_date"].max().date()
    first = frame["purchase_date"].min().date()
    if last <= calibration_end:
        notes.append(
            f"The last purchase is on {last}, not after the calibration end: nothing to grade on."
        )
    elif (holdout_end - last).days > (holdout_end - calibration_end).days * 0.1:
        notes.append(
            f"The last purchase is on {last}, {(holdout_end - last).days} days before the holdout's "
            "end: if the data stop there, every forecast will look too high."
        )
    days = frame["purchase_date"].drop_duplicates().sort_values().to_numpy(dtype="datetime64[D]")
    gap = int(np.diff(days.astype(np.int64)).max(initial=0))
    if gap > 365:
        notes.append(
            f"The log has a gap of {gap:,} days without any purchase between {first} and {last}."
        )
    return frame, notes


def with_plain(
    grading: Grading, log: PurchaseLog, seconds: float
) -> tuple[pd.DataFrame, list[str]]:
    """Return the candidates' table with lifetimes called plainly, and where it can't be."""
    known = log.before(grading.origin)
    if known.day.size == 0:
        return grading.candidates, []
    summary = summary_before(known, grading.origin)
    observed = outcome_after(log, grading.origin, grading.horizon_days).purchases
    notes, forecasts = [], {}
    for model in MODELS:
        forecast, reason = plain_forecast(model, summary, grading.horizon_days, seconds)
        if forecast is None:
            notes.append(f"lifetimes plainly, {model}: {reason}.")
        else:
            forecasts[f"{model} (lifetimes)"] = forecast
    table = candidate_metrics(forecasts, observed, grading.baseline_rmse) if forecasts else None
    parts = [part for part in (grading.candidates, table) if part is not None and not part.empty]
    return (pd.concat(parts, ignore_index=True) if parts else grading.candidates), notes


def run(options: argparse.Namespace) -> None:
    """Read, learn, grade, print."""
    read: Transactions = read_transactions(
        options.transactions,
        options.customer,
        options.date,
        options.amount,
        options.currency,
        options.date_format,
    )
    frame, notes = window_notes(read.frame, options.calibration_end, options.holdout_end)
    for note in [*read.notes, *notes]:
        print(f"  note: {note}")
    log = purchase_log(frame)
    origin = day_number(options.calibration_end) + 1
    end = day_number(options.holdout_end) + 1
    if log.day.size == 0 or log.first_day >= origin:
        print("There is no purchase up to the calibration end: nothing to learn from. Abstains.")
        return
    horizon = min(options.horizon or end - origin, end - origin)
    printing.print_base(log, origin, end)
    config = ChampionConfig()
    gradings: list[Grading] = []
    for day in rolling_origins(log, origin, horizon, options.origins):
        started = time.perf_counter()
        grading = grade_at_origin(log, day, horizon, config, options.seed)
        seconds = time.perf_counter() - started
        table = grading.candidates
        plain_notes: list[str] = []
        if options.plain_seconds > 0:
            table, plain_notes = with_plain(grading, log, options.plain_seconds)
        printing.print_grading(grading, table, plain_notes, seconds)
        gradings.append(grading)
    printing.print_gains(gradings)


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmark; return 2 with a sentence when the file can't be used."""
    options = parsed(arguments)
    print(f"Lifetime value: {options.transactions.name}")
    try:
        run(options)
    except (ReadingError, LifetimeValueError) as error:
        print(f"{error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
