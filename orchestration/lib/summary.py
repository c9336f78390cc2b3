"""What a run brought, read from the published warehouse, as tables for the terminal.

Only counts and shares: no row of a person is read. Queries here, layout with rich.
"""

from __future__ import annotations

from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from orchestration.lib.connection import open_published

# The model of the value of a purchase stands beside the models of purchases and does not compete.
CHAMPION_OF = {"gamma_gamma": "value"}
BASE_QUERY = """
with settings as (from ops.settings),
loaded as (
    select rows_delivered, rows_rejected
    from quality.reconciliation, settings
    where list_contains(string_split(settings.source_systems, ','), source_system)
)
select
    (select as_of_date from ops.settings) as as_of_date,
    (select source_systems from ops.settings) as source_systems,
    (select reporting_currency from ops.settings) as currency,
    (select sum(rows_delivered) from loaded) as rows_delivered,
    (select sum(rows_rejected) from loaded) as rows_rejected,
    (select count(*) from marts.dim_customers) as customers,
    (select count(*) from marts.customer_identities where valid_to is null) as source_records,
    (select count(*) from marts.fct_orders) as orders,
    (select count(*) from marts.fct_order_lines) as order_lines,
    (select coalesce(sum(net_amount), 0) from marts.fct_orders) as revenue,
    (select max(revenue_share) from marts.pareto_curve where customer_percentile = 20)
        as top_20_share
"""
MODELS_QUERY = """
select model, grade, skill_share, is_champion, is_abstaining
from ml.model_runs where as_of_date = (select as_of_date from ops.settings)
order by is_champion desc, skill_share desc nulls last, model
"""
PLAN_QUERY = """
select channel, play, count(*) as contacts, sum(expected_incremental_value) as value, sum(cost) as cost
from plan.contact_plan where plan_date = (select as_of_date from ops.settings)
group by channel, play order by contacts desc, play
"""
DECISIONS_QUERY = """
select outcome, count(*) as candidates
from plan.decisions where plan_date = (select as_of_date from ops.settings)
group by outcome order by candidates desc
"""
CHECKS_QUERY = """
select count(*) filter (where is_passed) as passed, count(*) filter (where not is_passed) as warned
from quality.checks where run_id = (select run_id from ops.settings)
"""


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[tuple]:
    return connection.execute(query).fetchall()


def print_summary(crm_file: Path, console: Console) -> None:
    """Print rows, customers, duplicates, model grades, the plan and where to look next."""
    with open_published(crm_file) as connection:
        base = _rows(connection, BASE_QUERY)[0]
        models = _rows(connection, MODELS_QUERY)
        plan = _rows(connection, PLAN_QUERY)
        decisions = _rows(connection, DECISIONS_QUERY)
        ((passed, warned),) = _rows(connection, CHECKS_QUERY)
    (
        as_of,
        systems,
        currency,
        delivered,
        rejected,
        customers,
        records,
        orders,
        lines,
        revenue,
        top,
    ) = base
    facts = Table(
        title=f"Cadencia as of {as_of} · {systems}", show_header=False, title_justify="left"
    )
    facts.add_column(style="cyan")
    facts.add_column(justify="right")
    facts.add_row("rows delivered", f"{delivered:,}")
    facts.add_row("rows rejected", f"{rejected:,}")
    facts.add_row("order lines", f"{lines:,}")
    facts.add_row("orders", f"{orders:,}")
    facts.add_row("source records → customers", f"{records:,} → {customers:,}")
    facts.add_row("duplicates found", f"{records - customers:,}")
    facts.add_row(f"revenue ({currency})", f"{revenue:,.2f}")
    facts.add_row("held by the top 20 % of customers", f"{top:.1%}" if top is not None else "n/a")
    facts.add_row("checks passed / warnings", f"{passed:,} / {warned:,}")
    console.print(facts)

    grades = Table(title="Models against the best naive baseline", title_justify="left")
    for heading in ("model", "grade", "better by", "champion of"):
        grades.add_column(heading)
    for model, grade, skill, is_champion, is_abstaining in models:
        note = (
            "abstains"
            if is_abstaining
            else CHAMPION_OF.get(model, "purchases")
            if is_champion
            else ""
        )
        grades.add_row(model, grade or "-", f"{skill:.1%}" if skill is not None else "-", note)
    console.print(grades)

    contacts = Table(title="Contact plan", title_justify="left")
    for heading in ("channel", "play"):
        contacts.add_column(heading, no_wrap=True)
    for heading in ("contacts", f"value ({currency})", f"cost ({currency})"):
        contacts.add_column(heading, justify="right")
    for channel, play, count, value, cost in plan:
        contacts.add_row(
            channel, play.removeprefix("play_"), f"{count:,}", f"{value:,.2f}", f"{cost:,.2f}"
        )
    console.print(contacts)
    console.print(
        "Every candidate has its decision: "
        + ", ".join(f"{count:,} {outcome}" for outcome, count in decisions)
        + "  (plan.decisions)"
    )
    console.print(
        "\nLook next: [bold]cadencia sql[/bold] (e.g. from marts.customer_360), "
        "[bold]make ui[/bold] (the asset graph), [bold]cadencia status[/bold]."
    )


def table_counts(crm_file: Path) -> list[tuple[str, int]]:
    """Return ``schema.table`` and rows of every published table that people use."""
    with open_published(crm_file) as connection:
        return [
            (f"{schema}.{table}", rows)
            for schema, table, rows in connection.execute(
                """select schema_name, table_name, estimated_size from duckdb_tables()
                where schema_name in ('raw', 'marts', 'ml', 'plan', 'quality', 'ops')
                order by schema_name, table_name"""
            ).fetchall()
        ]
