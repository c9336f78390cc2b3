"""`python -m benchmarks.uplift`: learn who is moved by a campaign, on any file; print what was found.

Reads arguments; everything else is in the sibling modules.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.uplift.files import CampaignFileError, read_campaign_file
from benchmarks.uplift.report import lines_of, oracle_lines
from benchmarks.uplift.simulated import simulated_lines
from ml.uplift import LEARNERS, UpliftConfig, UpliftError, estimate_uplift


def main(arguments: list[str] | None = None) -> None:
    """Parse, learn, print."""
    parser = _parser()
    options = parser.parse_args(arguments)
    start = time.perf_counter()
    if options.simulation is not None:
        try:
            for line in simulated_lines(options.simulation, options.seed):
                print(line, flush=True)
        except (FileNotFoundError, UpliftError) as error:
            parser.error(str(error))
        print(f"{time.perf_counter() - start:.0f} s")
        return
    if options.data is None or not options.treatment or not options.outcome:
        parser.error("name --data FILE, --treatment COL and --outcome COL (or --simulation DIR)")
    try:
        _campaign(options)
    except (CampaignFileError, UpliftError) as error:
        parser.error(str(error))
    print(f"{time.perf_counter() - start:.0f} s")


def _campaign(options: argparse.Namespace) -> None:
    frame = read_campaign_file(options.data)
    listed = ",".join(options.features or []).split(",")
    named = [name.strip() for name in listed if name.strip()]
    others = {
        options.treatment,
        options.outcome,
        options.customer,
        *_oracle_columns(options.oracle),
    }
    features = named or [name for name in frame.columns if name not in others]
    if not named:
        print(f"  note: every other column is a feature: {', '.join(features)}")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = estimate_uplift(
            frame,
            treatment=options.treatment,
            outcome=options.outcome,
            features=features,
            control=options.control,
            customer=options.customer,
            seed=options.seed,
            config=UpliftConfig(learners=tuple(options.learners or LEARNERS)),
        )
    print(f"{options.data.name}: {len(frame):,} rows, {len(features)} features, {options.outcome}")
    for line in lines_of(result):
        print(line)
    if options.oracle:
        truth = _oracle(frame, options.oracle)
        for arm in result.arms:
            print(f"{arm.arm!r}", *oracle_lines(arm, frame, truth))


def _oracle_columns(oracle: str | None) -> list[str]:
    return [part.strip() for part in (oracle or "").split("-") if part.strip()]


def _oracle(frame: pd.DataFrame, oracle: str) -> np.ndarray:
    columns = [oracle] if oracle in frame else _oracle_columns(oracle)
    missing = [name for name in columns if name not in frame]
    if missing:
        raise UpliftError(f"There is no column {missing[0]!r} for --oracle.")
    values = frame[columns].to_numpy(dtype=np.float64)
    return np.asarray(values[:, 0] - values[:, 1:].sum(axis=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.uplift",
        description="Learn from a randomised campaign whom it moves, or refuse and say why.",
    )
    parser.add_argument("--data", type=Path, help="CSV, TSV or Parquet")
    parser.add_argument("--treatment", help="column: who was treated how; two or more values")
    parser.add_argument("--outcome", help="column: 0 and 1, yes and no, or an amount")
    parser.add_argument(
        "--features", nargs="+", help="columns, with commas; all others when left out"
    )
    parser.add_argument("--control", help="value that means no treatment, where it isn't plain")
    parser.add_argument("--customer", help="column of ids, where customers repeat")
    parser.add_argument("--oracle", help="column of true effects, or two as WITH-WITHOUT")
    parser.add_argument("--learners", nargs="+", choices=LEARNERS, help="all when left out")
    parser.add_argument(
        "--simulation", type=Path, help="truth folder of a simulated market instead"
    )
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
