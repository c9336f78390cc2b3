"""Plots for the metadata of Dagster assets: a frame in, a small PNG out.

Belongs here: drawing. Does not: reading tables, computing the numbers, or dagster itself.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter
    from numpy.typing import NDArray

BLUE: Final = "#12355b"
ACCENT: Final = "#e07a3f"
INK: Final = "#2b2f36"
GREY: Final = "#8a929c"
PALE: Final = "#e4e7eb"
# Sequential and light to dark in one hue, so that it also reads in black and white.
_BLUES: Final = ("#f3f6f9", "#c9d6e4", "#7f9dbd", "#3f6692", BLUE)
_LINE_STYLES: Final = ((BLUE, "o"), (ACCENT, "s"), (GREY, "^"), ("#6d8fb3", "D"), (INK, "v"))
_SCORES: Final = (1, 2, 3, 4, 5)
_DPI: Final = 110


class PlotInputError(ValueError):
    """A frame can't be drawn."""


def rfm_grid_plot(frame: pd.DataFrame, currency: str | None = None) -> bytes:
    """Draw where the net amount lies on the grid of recency and frequency scores.

    Parameters
    ----------
    frame
        One row per cell, or per finer cell that is summed: r_score, f_score (1..5, 5 is best),
        customers, net_amount.
    currency
        Code of the reporting currency for the colour bar.

    Returns
    -------
    bytes
        A PNG: colour is the share of the net amount, the numbers are customers.
    """
    _check_columns(frame, ("r_score", "f_score", "customers", "net_amount"), "The RFM grid")
    figure, axes = _new_figure(
        "Net amount by recency and frequency score",
        "Colour: share of the net amount. Numbers: customers in the cell and their share.",
        width=6.6,
        height=5.0,
    )
    cells = frame.groupby(["f_score", "r_score"])[["customers", "net_amount"]].sum()
    if cells.empty:
        return _say_no_data(figure, axes)

    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.ticker import MaxNLocator

    customers = cells["customers"].unstack().reindex(_SCORES, axis=0).reindex(_SCORES, axis=1)
    amounts = cells["net_amount"].unstack().reindex(_SCORES, axis=0).reindex(_SCORES, axis=1)
    total = float(amounts.sum().sum()) or 1.0
    shares = amounts.fillna(0.0).to_numpy(dtype=float) / total
    colours = LinearSegmentedColormap.from_list("cadencia", _BLUES)
    image = axes.imshow(shares, origin="lower", cmap=colours, aspect="auto", vmin=0.0)
    counts = customers.fillna(0).to_numpy(dtype=float)
    darkest = max(float(shares.max()), 1e-12)
    for row in range(len(_SCORES)):
        for column in range(len(_SCORES)):
            _label_cell(axes, column, row, counts, is_dark=shares[row, column] > 0.5 * darkest)
    axes.set_xticks(range(len(_SCORES)), [str(score) for score in _SCORES])
    axes.set_yticks(range(len(_SCORES)), [str(score) for score in _SCORES])
    axes.set_xticks([position + 0.5 for position in range(4)], minor=True)
    axes.set_yticks([position + 0.5 for position in range(4)], minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.set_xlabel("Recency score (5 = bought most recently)")
    axes.set_ylabel("Frequency score (5 = most orders)")
    bar = figure.colorbar(image, ax=axes, format=_percent_formatter(), pad=0.03)
    unit = f" {currency}" if currency else ""
    bar.set_label(f"Share of the net amount ({_short_number(total)}{unit} in all)", color=INK)
    bar.locator = MaxNLocator(nbins=5, steps=[1, 2, 5, 10])
    bar.update_ticks()
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, colors=INK, labelsize=9)
    return _to_png(figure)


def calibration_plot(frame: pd.DataFrame, unit: str = "purchases per customer") -> bytes:
    """Draw predicted against observed means, one line a model.

    Parameters
    ----------
    frame
        One row per model and bin: model, predicted_mean, observed_mean, customers.
    unit
        What the means count, for the labels of the axes.

    Returns
    -------
    bytes
        A PNG: points on the dashed line are right on average, their area is the customers.
    """
    columns = ("model", "predicted_mean", "observed_mean", "customers")
    _check_columns(frame, columns, "The calibration")
    figure, axes = _new_figure(
        "Calibration: observed against predicted means",
        "A point is a bin of customers, its area their number. Above the line: too low a forecast.",
        width=6.4,
        height=5.0,
    )
    bins = frame.dropna(subset=["predicted_mean", "observed_mean"])
    if bins.empty:
        return _say_no_data(figure, axes)
    top = float(max(bins["predicted_mean"].max(), bins["observed_mean"].max())) * 1.08 or 1.0
    axes.plot([0, top], [0, top], color=GREY, linestyle=(0, (4, 3)), linewidth=1.2, zorder=1)
    axes.text(top * 0.985, top * 0.83, "as predicted", color=GREY, ha="right", fontsize=8.5)
    largest = max(float(bins["customers"].max()), 1.0)
    for position, (model, rows) in enumerate(bins.groupby("model", sort=True)):
        colour, marker = _LINE_STYLES[position % len(_LINE_STYLES)]
        ordered = rows.sort_values("predicted_mean")
        predicted, observed = ordered["predicted_mean"], ordered["observed_mean"]
        axes.plot(predicted, observed, color=colour, linewidth=1.4, alpha=0.75, zorder=2)
        areas = 18 + 90 * ordered["customers"].astype(float) / largest
        axes.scatter(
            predicted,
            observed,
            s=areas.to_numpy(),
            color=colour,
            marker=marker,
            edgecolors="white",
            linewidths=0.8,
            label=str(model),
            zorder=3,
        )
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    axes.grid(color=PALE, linewidth=0.8)
    axes.set_xlabel(f"Predicted {unit}")
    axes.set_ylabel(f"Observed {unit}")
    axes.legend(frameon=False, loc="upper left", labelcolor=INK)
    return _to_png(figure)


def pareto_plot(frame: pd.DataFrame) -> bytes:
    """Draw which share of the revenue the best customers bring.

    Parameters
    ----------
    frame
        Points of the curve, best customers first: customer_share, revenue_share, both 0..1.

    Returns
    -------
    bytes
        A PNG whose title says what the top 20 % of the customers hold.
    """
    _check_columns(frame, ("customer_share", "revenue_share"), "The Pareto curve")
    import numpy as np

    points = frame[["customer_share", "revenue_share"]].dropna().sort_values("customer_share")
    customers = np.concatenate([[0.0], points["customer_share"].to_numpy(dtype=float)])
    revenue = np.concatenate([[0.0], points["revenue_share"].to_numpy(dtype=float)])
    top_share = float(np.interp(0.2, customers, revenue))
    finding = f"The top 20 % of customers hold {_percent(top_share)} of the revenue"
    figure, axes = _new_figure(
        "Share of revenue by share of customers" if points.empty else finding,
        "Customers in order of their revenue, the best first.",
        width=6.4,
        height=4.6,
    )
    if points.empty:
        return _say_no_data(figure, axes)
    axes.fill_between(customers, revenue, color=BLUE, alpha=0.08, linewidth=0)
    axes.plot([0, 1], [0, 1], color=GREY, linestyle=(0, (4, 3)), linewidth=1.2)
    axes.text(0.72, 0.66, "if all were equal", color=GREY, fontsize=8.5)
    axes.plot(customers, revenue, color=BLUE, linewidth=2.2)
    axes.plot([0.2, 0.2, 0], [0, top_share, top_share], color=ACCENT, linewidth=1.2)
    axes.plot(0.2, top_share, "o", color=ACCENT, markersize=8, markeredgecolor="white", zorder=4)
    axes.annotate(
        _percent(top_share),
        (0.2, top_share),
        xytext=(10, -5),
        textcoords="offset points",
        va="top",
        color=ACCENT,
        fontweight="bold",
    )
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_formatter(_percent_formatter())
    axes.yaxis.set_major_formatter(_percent_formatter())
    axes.grid(color=PALE, linewidth=0.8)
    axes.set_xlabel("Share of customers")
    axes.set_ylabel("Share of revenue (cumulative)")
    return _to_png(figure)


def to_markdown_image(png: bytes, alt: str) -> str:
    """Write a PNG as a markdown image that carries its own data, for Dagster's metadata.

    Parameters
    ----------
    png
        The bytes of the image.
    alt
        What the image shows, for readers who can't see it.
    """
    # Brackets would end the alternative text, a line break the image.
    plain = " ".join(alt.replace("[", "(").replace("]", ")").split())
    return f"![{plain}](data:image/png;base64,{base64.b64encode(png).decode('ascii')})"


def _check_columns(frame: pd.DataFrame, columns: Sequence[str], what: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise PlotInputError(
            f"{what} can't be drawn: missing columns {', '.join(missing)}; add them to the query."
        )


def _new_figure(title: str, subtitle: str, width: float, height: float) -> tuple[Figure, Axes]:
    # Imported here because matplotlib takes a second that `cadencia status` needn't wait for. And
    # Figure instead of pyplot: pyplot keeps every figure in a global list until it is closed.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=_DPI, facecolor="white", layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(f"{title}\n", loc="left", color=INK, fontsize=12.5, fontweight="bold")
    axes.text(0, 1.025, subtitle, transform=axes.transAxes, color=GREY, fontsize=8.5)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(PALE)
    axes.tick_params(colors=INK, labelsize=9, length=0, pad=6)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    return figure, axes


def _say_no_data(figure: Figure, axes: Axes) -> bytes:
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, "No customers yet", transform=axes.transAxes, ha="center", color=GREY)
    return _to_png(figure)


def _label_cell(
    axes: Axes, column: int, row: int, counts: NDArray[np.float64], is_dark: bool
) -> None:
    count = counts[row, column]
    if not count:
        axes.text(column, row, "–", ha="center", va="center", color=GREY)  # noqa: RUF001
        return
    colour = "white" if is_dark else INK
    share = count / counts.sum()
    axes.text(column, row + 0.1, f"{count:,.0f}", ha="center", va="center", color=colour)
    text = _percent(share)
    axes.text(column, row - 0.22, text, ha="center", va="center", color=colour, fontsize=7.5)


def _percent(share: float) -> str:
    return f"{share * 100:.1f} %"


def _percent_formatter() -> FuncFormatter:
    from matplotlib.ticker import FuncFormatter

    return FuncFormatter(lambda share, _position: f"{share * 100:g} %")


def _short_number(amount: float) -> str:
    for size, suffix in ((1e9, " bn"), (1e6, " M"), (1e3, " k")):
        if abs(amount) >= size:
            return f"{amount / size:.1f}{suffix}"
    return f"{amount:.0f}"


def _to_png(figure: Figure) -> bytes:
    from PIL import Image

    drawn = io.BytesIO()
    figure.savefig(drawn, format="png")
    # A palette is enough for few hues and their soft edges, and makes the file a third as large.
    # It also leaves out the software's version: the same frame gives the same bytes.
    palette = Image.open(drawn).convert("RGB").quantize(256, kmeans=1)
    small = io.BytesIO()
    palette.save(small, format="png", optimize=True)
    return small.getvalue()
