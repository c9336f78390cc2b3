"""Pictures of some tables for their page in the Dagster UI: aggregates only, never a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb
import pandas as pd

from orchestration.lib.plots import pareto_plot, rfm_grid_plot, to_markdown_image


@dataclass(frozen=True)
class TablePlot:
    """A query and the function that draws its frame."""

    title: str
    query: str
    draw: Callable[[pd.DataFrame], bytes]


PLOTS = {
    "marts.customer_rfm": TablePlot(
        "RFM grid",
        """select r_score, f_score, count(*) as customers, sum(monetary_value) as net_amount
        from marts.customer_rfm where r_score is not null group by r_score, f_score""",
        rfm_grid_plot,
    ),
    "marts.pareto_curve": TablePlot(
        "Pareto curve",
        "select customer_share, revenue_share from marts.pareto_curve order by customer_share",
        pareto_plot,
    ),
}


def plot_of(connection: duckdb.DuckDBPyConnection, relation: str) -> str | None:
    """Return the relation's picture as Markdown, None when it has none or is empty."""
    plot = PLOTS.get(relation)
    if plot is None:
        return None
    frame = connection.execute(plot.query).df()
    return to_markdown_image(plot.draw(frame), plot.title) if len(frame) else None
