"""Plots are small PNG files, the same for the same frame, and say what a frame lacks.

Belongs here: what can be checked of a picture without eyes. Does not: how it looks.
"""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from orchestration.lib.plots import (
    PlotInputError,
    calibration_plot,
    pareto_plot,
    rfm_grid_plot,
    to_markdown_image,
)

MAX_BYTES = 60 * 1024  # Dagster keeps metadata in its database: a picture must stay a small row.
PNG_START = b"\x89PNG\r\n\x1a\n"

GRID = pd.DataFrame(
    [
        {"r_score": r, "f_score": f, "customers": 20 * r * f, "net_amount": 900.0 * r * f**2}
        for r in range(1, 6)
        for f in range(1, 6)
        if abs(r - f) < 4
    ]
)
BINS = pd.DataFrame(
    {
        "model": np.repeat(["bg_nbd", "naive", "pareto_nbd"], 10),
        "predicted_mean": np.tile(np.linspace(0.1, 6.0, 10), 3),
        "observed_mean": np.linspace(0.2, 5.0, 30),
        "customers": 250,
    }
)
CURVE = pd.DataFrame({"customer_share": np.linspace(0, 1, 101)}).assign(
    revenue_share=lambda curve: 1 - (1 - curve["customer_share"]) ** 3.5
)
PLOTS: dict[str, tuple[Callable[[pd.DataFrame], bytes], pd.DataFrame]] = {
    "rfm_grid": (rfm_grid_plot, GRID),
    "calibration": (calibration_plot, BINS),
    "pareto": (pareto_plot, CURVE),
}


@pytest.mark.parametrize("name", PLOTS)
def test_plot_is_a_small_png_and_the_same_each_time(name: str) -> None:
    draw, frame = PLOTS[name]
    png = draw(frame)
    assert png.startswith(PNG_START)
    assert len(png) <= MAX_BYTES
    assert png == draw(frame.copy())


@pytest.mark.parametrize("name", PLOTS)
def test_rows_in_another_order_give_the_same_picture(name: str) -> None:
    draw, frame = PLOTS[name]
    assert draw(frame.sample(frac=1, random_state=3)) == draw(frame)


@pytest.mark.parametrize("name", PLOTS)
def test_empty_frame_is_drawn(name: str) -> None:
    draw, frame = PLOTS[name]
    assert draw(frame.iloc[:0]).startswith(PNG_START)


@pytest.mark.parametrize("name", PLOTS)
def test_missing_column_is_named(name: str) -> None:
    draw, frame = PLOTS[name]
    with pytest.raises(PlotInputError, match=f"missing columns {frame.columns[1]}"):
        draw(frame.drop(columns=frame.columns[1]))


@pytest.mark.parametrize("amount", [0.0, -5.0])
def test_grid_without_positive_amounts_is_drawn(amount: float) -> None:
    assert rfm_grid_plot(GRID.assign(net_amount=amount)).startswith(PNG_START)


def test_finer_cells_are_summed() -> None:
    halves = GRID.assign(customers=GRID["customers"] / 2, net_amount=GRID["net_amount"] / 2)
    assert rfm_grid_plot(pd.concat([halves, halves])) == rfm_grid_plot(GRID)


def test_markdown_image_carries_the_bytes() -> None:
    text = to_markdown_image(PNG_START, "RFM [grid]\nof today")
    head, _, data = text.partition("base64,")
    assert head == "![RFM (grid) of today](data:image/png;"
    assert base64.b64decode(data.removesuffix(")")) == PNG_START


def test_importing_the_module_does_not_import_matplotlib() -> None:
    code = "import sys, orchestration.lib.plots; sys.exit('matplotlib' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
