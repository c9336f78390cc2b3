"""BTYD models through lifetimes as its manual calls them, in a process that may be stopped.

lifetimes can search for minutes or overflow on heavy buyers, so each model has a time limit.
"""

from __future__ import annotations

import multiprocessing
import warnings
from multiprocessing.connection import Connection

import numpy as np
import pandas as pd
from numpy.typing import NDArray

MODELS = ("bg_nbd", "mbg_nbd", "pareto_nbd")


def plain_forecast(
    model: str, summary: pd.DataFrame, horizon_days: int, seconds: float
) -> tuple[NDArray[np.float64] | None, str]:
    """
    Return lifetimes' forecast, or None and why there is none.

    Parameters
    ----------
    model
        One of `MODELS`.
    summary
        Sufficient statistics, one row a customer.
    horizon_days
        Days to forecast.
    seconds
        After these the attempt is ended.
    """
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    columns = ("repeat_frequency", "age_at_last_purchase_days", "t_days")
    statistics = tuple(summary[name].to_numpy(dtype=np.float64) for name in columns)
    process = context.Process(target=_work, args=(sender, model, statistics, horizon_days))
    process.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            return None, f"not done within {seconds:.0f} s"
        forecast, reason = receiver.recv()
    except EOFError:
        return None, "the process ended without an answer"
    finally:
        process.terminate()
        process.join()
    return forecast, reason


def _work(
    sender: Connection,
    model: str,
    statistics: tuple[NDArray[np.float64], ...],
    horizon_days: int,
) -> None:
    """Fit and forecast; runs in the process of its own."""
    from ml.lifetime_value.lifetimes_adapter import (
        BetaGeoFitter,
        ModifiedBetaGeoFitter,
        ParetoNBDFitter,
    )

    fitters = {
        "bg_nbd": BetaGeoFitter,
        "mbg_nbd": ModifiedBetaGeoFitter,
        "pareto_nbd": ParetoNBDFitter,
    }
    warnings.simplefilter("ignore")
    frequency, recency, age = statistics
    try:
        with np.errstate(all="ignore"):
            np.random.seed(0)  # lifetimes draws Pareto/NBD's start from the global generator
            fitter = fitters[model](penalizer_coef=0.0)
            fitter.fit(frequency, recency / 7.0, age / 7.0)
            forecast = np.asarray(
                fitter.conditional_expected_number_of_purchases_up_to_time(
                    horizon_days / 7.0, frequency, recency / 7.0, age / 7.0
                ),
                dtype=np.float64,
            )
    except Exception as error:
        # Whatever lifetimes raises on a file is a result here: it doesn't converge.
        sender.send((None, f"does not converge: {str(error).strip().splitlines()[0][:80]}"))
        return
    wrong = int((~np.isfinite(forecast)).sum())
    if wrong:
        sender.send((None, f"not finite for {wrong:,} of {forecast.size:,} customers"))
        return
    sender.send((np.maximum(forecast, 0.0), ""))
