"""The only module that imports `lifetimes`: fits on weighted distinct rows, nothing else.

Importing it changes pandas options and warning filters, so both are restored around the import.
Forecasts are not made here: lifetimes' own overflow for heavy buyers (see `pareto_nbd`).
"""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import minimize

from ml.lifetime_value.config import LifetimeValueError
from ml.lifetime_value.pareto_nbd import ParetoNbd
from ml.lifetime_value.sufficient_statistics import CollapsedHistories, FloatArray, History

# lifetimes.utils sets mode.chained_assignment to None for the whole process.
with (
    pd.option_context("mode.chained_assignment", pd.get_option("mode.chained_assignment")),
    warnings.catch_warnings(),
):
    warnings.simplefilter("ignore")
    from lifetimes import (
        BetaGeoFitter,
        GammaGammaFitter,
        ModifiedBetaGeoFitter,
        ParetoNBDFitter,
    )
    from lifetimes.utils import ConvergenceError

# lifetimes' own classes, for comparisons in tests and benchmarks; nobody else imports lifetimes.
__all__ = [
    "BetaGeoFitter",
    "Fit",
    "FitError",
    "GammaGammaFitter",
    "ModifiedBetaGeoFitter",
    "ParetoNBDFitter",
    "StableParetoNBDFitter",
    "fit_gamma_gamma",
    "fit_purchase_model",
]

# BFGS from lifetimes' own start, then looser and from elsewhere: a gradient of 1e-7 can be
# below what the likelihood's rounding allows, and BFGS then stops "by loss of precision" at the
# optimum. First that converges wins, so the order is part of the result.
BFGS_ATTEMPTS: tuple[tuple[float, float | None], ...] = (
    (1e-7, None),
    (1e-6, None),
    (1e-5, None),
    (1e-5, 0.0),
    (1e-5, 1.0),
)
# lifetimes does not look whether Pareto/NBD's optimiser succeeded: it has when a restart no longer
# improves the mean log-likelihood a customer by more than this.
PARETO_RESTARTS = 4
PARETO_LARGEST_GAIN = 1e-7
# Half-width of the central difference that stands for the gradient: bias and rounding noise both
# stay near 1e-9. A forward difference of 1e-6 moved CDNOW's ill-determined beta by 3e-5 of itself.
PARETO_GRADIENT_STEP = 1e-4
PARETO_GRADIENT_TOLERANCE = 1e-8


class FitError(LifetimeValueError):
    """A model could not be fitted; the message says why, other models go on."""


@dataclass(frozen=True)
class Fit:
    """
    Parameters (weekly where they have a unit) and how they were found.

    Parameters
    ----------
    parameters
        Parameter values by name.
    log_likelihood
        Of all customers, time in weeks.
    customers, distinct_rows
        Before and after collapsing.
    """

    parameters: Mapping[str, float]
    log_likelihood: float
    customers: int
    distinct_rows: int


class StableParetoNBDFitter(ParetoNBDFitter):  # type: ignore[misc]
    """
    `lifetimes`' Pareto/NBD fitter, over the parameters' logarithms, by a likelihood that is stable.

    lifetimes searches the parameters themselves by Nelder-Mead, which took 25 s on 2,394 grocery
    customers, where s and beta can grow together for ever; logarithms and BFGS end that quickly.
    """

    @staticmethod
    def _negative_log_likelihood(
        params: Sequence[float],
        freq: FloatArray,
        rec: FloatArray,
        T: FloatArray,
        weights: FloatArray,
        penalizer_coef: float,
    ) -> float:
        """Return the mean negative log-likelihood a customer; `inf` where it is not finite."""
        values = np.exp(np.asarray(params, dtype=np.float64))
        model = ParetoNbd(*(float(value) for value in values))
        log_likelihood = model.log_likelihood(History(freq.astype(np.float64), rec, T))
        mean = float((weights * log_likelihood).sum() / weights.sum())
        penalty = penalizer_coef * float((values**2).sum())
        return float("inf") if not np.isfinite(mean) else -mean + penalty


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep lifetimes' prints, warning filters and overflow noise inside the fit."""
    with (
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
        np.errstate(all="ignore"),
    ):
        warnings.simplefilter("ignore")
        yield


def fit_purchase_model(name: str, collapsed: CollapsedHistories) -> Fit:
    """
    Fit one purchase model on distinct weighted histories.

    Parameters
    ----------
    name
        "bg_nbd", "mbg_nbd" or "pareto_nbd".
    collapsed
        Distinct histories with weights.

    Raises
    ------
    FitError
        When the optimiser doesn't converge or the parameters are not usable.
    """
    if collapsed.repeat_customers == 0:
        raise FitError(f"{name} was not fitted: no customer has a repeat purchase.")
    history = collapsed.history
    arguments = (
        history.frequency,
        history.age_at_last_purchase,
        history.age,
        collapsed.weight,
    )
    if name == "pareto_nbd":
        parameters, mean = _fit_pareto(arguments)
    else:
        fitter_class = {"bg_nbd": BetaGeoFitter, "mbg_nbd": ModifiedBetaGeoFitter}[name]
        parameters, mean = _first_converged(name, fitter_class, 4, arguments)
    # lifetimes scales time so that the largest age is 1; each repeat purchase is a density over
    # time, hence one logarithm of the scale a purchase.
    weight = collapsed.weight
    time_scale = float((weight * history.frequency).sum()) * np.log(history.age.max())
    return _checked_fit(
        name, parameters, mean * float(weight.sum()) - time_scale, collapsed.customers, weight.size
    )


def fit_gamma_gamma(frequency: FloatArray, monetary_value: FloatArray, weight: FloatArray) -> Fit:
    """
    Fit Gamma-Gamma on distinct (frequency, mean value) rows of repeat customers.

    Raises
    ------
    FitError
        When the optimiser doesn't converge, or q <= 1, where the population mean is infinite.
    """
    parameters, mean = _first_converged(
        "gamma_gamma", GammaGammaFitter, 3, (frequency, monetary_value, weight)
    )
    if parameters["q"] <= 1.0:
        raise FitError(
            f"gamma_gamma has q = {parameters['q']:.3f}; at 1 or below the population's mean "
            "value is infinite, so no customer can be shrunk towards it."
        )
    customers = int(weight.sum())
    log_likelihood = mean * float(weight.sum())
    return _checked_fit("gamma_gamma", parameters, log_likelihood, customers, weight.size)


def _first_converged(
    name: str, fitter_class: Callable[[], Any], size: int, arguments: tuple[FloatArray, ...]
) -> tuple[dict[str, float], float]:
    """Return parameters and mean log-likelihood a customer of the first attempt to converge."""
    for tolerance, start in BFGS_ATTEMPTS:
        initial = None if start is None else np.full(size, start)
        with _quiet(), contextlib.suppress(ConvergenceError, np.linalg.LinAlgError):
            fitter = fitter_class().fit(*arguments, initial_params=initial, tol=tolerance)
            parameters = {str(key): float(value) for key, value in fitter.params_.items()}
            return parameters, -float(fitter._negative_log_likelihood_)
    raise FitError(
        f"{name} did not converge in {len(BFGS_ATTEMPTS)} attempts on {arguments[0].size} "
        "distinct rows; the base may show too little variety for this model."
    )


def _bfgs_by_central_differences(
    objective: Callable[..., float],
    start: FloatArray,
    args: tuple[object, ...] = (),
    *,
    maxiter: int,
    **_: object,
) -> object:
    """Minimise by BFGS; the signature is what scipy asks of a method that it calls back."""
    steps = PARETO_GRADIENT_STEP * np.eye(start.size)

    def gradient(point: FloatArray, *arguments: object) -> FloatArray:
        rises = [
            objective(point + step, *arguments) - objective(point - step, *arguments)
            for step in steps
        ]
        return np.array(rises) / (2.0 * PARETO_GRADIENT_STEP)

    return minimize(
        objective,
        start,
        args=args,
        jac=gradient,
        method="BFGS",
        options={"gtol": PARETO_GRADIENT_TOLERANCE, "maxiter": maxiter},
    )


def _fit_pareto(arguments: tuple[FloatArray, ...]) -> tuple[dict[str, float], float]:
    """Return parameters and mean log-likelihood, restarting the search until it stays put."""
    # lifetimes divides what it believes to be alpha and beta by its time scale, 1 / largest age.
    age_scale = float(arguments[2].max())
    unit = np.array([1.0, age_scale, 1.0, age_scale])
    # A fixed start: lifetimes' own is drawn from numpy's global generator.
    log_parameters = np.zeros(4)
    previous = np.inf
    for _ in range(PARETO_RESTARTS):
        with _quiet():
            fitter = StableParetoNBDFitter().fit(
                *arguments,
                initial_params=log_parameters,
                fit_method=_bfgs_by_central_differences,
                maxiter=200,
            )
        log_parameters = fitter.params_.to_numpy() / unit
        current = float(fitter._negative_log_likelihood_)
        if np.isfinite(current) and previous - current < PARETO_LARGEST_GAIN:
            values = np.exp(log_parameters) * unit
            names = ("r", "alpha", "s", "beta")
            return {k: float(v) for k, v in zip(names, values, strict=True)}, -current
        previous = current
    raise FitError(
        f"pareto_nbd did not settle in {PARETO_RESTARTS} searches on {arguments[0].size} distinct "
        "rows; the base may show no sign of customers leaving."
    )


def _checked_fit(
    name: str, parameters: dict[str, float], log_likelihood: float, customers: int, rows: int
) -> Fit:
    """Return the fit when every number in it can be used."""
    numbers = np.array([*parameters.values(), log_likelihood])
    if not np.isfinite(numbers).all() or min(parameters.values()) <= 0:
        raise FitError(
            f"{name} gave parameters that can't be used: "
            + ", ".join(f"{key} = {value:.4g}" for key, value in parameters.items())
            + "."
        )
    return Fit(parameters, log_likelihood, customers, rows)
