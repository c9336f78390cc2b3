"""BG/NBD on a million customers: lifetimes called plainly, and ours on sufficient statistics.

Prints times, their ratio and how far apart the parameters are; decides and stores nothing.
"""

from __future__ import annotations

import argparse
import functools
import statistics
import time
from collections.abc import Callable
from importlib import util
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
import pandas as pd

from ml.lifetime_value import LifetimeValueConfig
from ml.lifetime_value.config import Clock
from ml.lifetime_value.lifetimes_adapter import BetaGeoFitter, Fit, fit_purchase_model
from ml.lifetime_value.purchase_models import purchase_model
from ml.lifetime_value.scoring import score_histories
from ml.lifetime_value.sufficient_statistics import DAYS_PER_WEEK, collapse

Result = TypeVar("Result")
REPETITIONS = 3

# Daily purchase days of CDNOW_master.txt up to the end of its data, 1998-06-30.
MASTER_SUMMARY = r"""
with lines as (
    select regexp_split_to_array(trim(line), ' +') as fields
    from read_csv(
        $path, columns = {'line': 'varchar'}, delim = '\x01', header = false, skip = 1,
        quote = '', escape = ''
    )
),

purchases as (
    select fields[1] as customer_id, strptime(fields[2], '%Y%m%d')::date as purchased_on
    from lines
)

select
    count(distinct purchased_on) - 1 as repeat_frequency,
    max(purchased_on) - min(purchased_on) as age_at_last_purchase_days,
    date '1998-06-30' - min(purchased_on) as t_days,
from purchases
group by customer_id
order by customer_id
"""


def master_summary() -> pd.DataFrame:
    """Return the statistics of the 23,570 customers of CDNOW, from inside the lifetimes wheel."""
    spec = util.find_spec("lifetimes")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("lifetimes is not installed; install requirements.lock first.")
    path = Path(spec.origin).parent / "datasets" / "CDNOW_master.txt"
    with duckdb.connect() as connection:
        return connection.execute(MASTER_SUMMARY, {"path": str(path)}).df()


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """Return the result and the seconds that it took."""
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def fit_plainly(frame: pd.DataFrame) -> Fit:
    """Fit BG/NBD as lifetimes' manual shows, on every customer."""
    fitter = BetaGeoFitter().fit(
        frame["repeat_frequency"],
        frame["age_at_last_purchase_days"] / DAYS_PER_WEEK,
        frame["t_days"] / DAYS_PER_WEEK,
    )
    # lifetimes reports the mean over customers, in units of the largest age.
    in_weeks = frame["repeat_frequency"].sum() * np.log(frame["t_days"].max() / DAYS_PER_WEEK)
    log_likelihood = -fitter._negative_log_likelihood_ * len(frame) - in_weeks
    parameters = {str(name): float(value) for name, value in fitter.params_.items()}
    return Fit(parameters, float(log_likelihood), len(frame), len(frame))


def fit_bg_nbd(frame: pd.DataFrame) -> Fit:
    """Fit BG/NBD our way: collapse to distinct histories, then fit with weights."""
    return fit_purchase_model("bg_nbd", collapse(frame))


def fit_and_score(frame: pd.DataFrame, model: str, clock: Clock) -> tuple[Fit, int]:
    """Collapse, fit, score the distinct histories and join the scores back to the customers."""
    collapsed = collapse(frame, clock)
    fit = fit_purchase_model(model, collapsed)
    scores = score_histories(
        purchase_model(model, fit.parameters), collapsed.history, LifetimeValueConfig()
    )
    joined = {name: values[collapsed.row_of_customer] for name, values in scores.items()}
    return fit, len(joined["p_alive"])


def largest_difference(left: Fit, right: Fit) -> float:
    """Return the largest relative difference between parameters of the same name."""
    return max(abs(left.parameters[name] / value - 1) for name, value in right.parameters.items())


def main(arguments: list[str] | None = None) -> None:
    """Run the comparison and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.btyd", description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    if options.customers < 1:
        parser.error("--customers must be at least 1")
    master = master_summary()
    drawn = np.random.default_rng(options.seed).integers(0, len(master), options.customers)
    frame = master.iloc[drawn].reset_index(drop=True)
    print(f"BTYD: {options.customers:,} customers resampled from {len(master):,} of CDNOW")

    # A first fit on a few rows each, so that neither side pays for imports and caches.
    fit_plainly(master.head(2_000))
    fit_bg_nbd(master.head(2_000))

    # In turns, the median of each: a busy spell of the machine hits both sides alike.
    turns = [
        (timed(lambda: fit_plainly(frame)), timed(lambda: fit_bg_nbd(frame)))
        for _ in range(REPETITIONS)
    ]
    (plain, _), (ours, _) = turns[0]
    plain_seconds = statistics.median(theirs_timed[1] for theirs_timed, _ in turns)
    our_seconds = statistics.median(ours_timed[1] for _, ours_timed in turns)
    print(f"  lifetimes plainly           {plain_seconds:9.2f} s  {plain.distinct_rows:>9,} rows")
    print(f"  ours, collapse included     {our_seconds:9.2f} s  {ours.distinct_rows:>9,} rows")
    print(f"  ratio                       {plain_seconds / our_seconds:9.1f} x")
    print(f"  largest parameter difference {largest_difference(ours, plain):.1e} (relative)")
    print(f"  log-likelihoods             {ours.log_likelihood:,.3f} / {plain.log_likelihood:,.3f}")
    runs: tuple[tuple[str, Clock], ...] = (
        ("bg_nbd", "day"),
        ("bg_nbd", "week"),
        ("pareto_nbd", "day"),
    )
    for model, clock in runs:
        (fit, _), seconds = timed(functools.partial(fit_and_score, frame, model, clock))
        print(
            f"  fit + score, {model:<10} {clock:<4} {seconds:9.2f} s  {fit.distinct_rows:>9,} rows"
        )


if __name__ == "__main__":
    main()
