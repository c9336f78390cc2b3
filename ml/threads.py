"""One thread for the numerical libraries while a model is fitted or scored.

Two processes of two OpenMP threads each on two cores wait for one another: fits of a second then take
a minute. And sums over threads have no fixed order. Nothing else belongs here.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


def one_thread(function: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Run a function with BLAS and OpenMP limited to one thread."""

    @functools.wraps(function)
    def limited(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        with threadpool_limits(limits=1):
            return function(*args, **kwargs)

    return limited
