"""Identity through the real job: a steward's file, facts that follow, and a source that changes its keys."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import cadencia
from tests.integration.test_main_job import content, query

SYSTEMS = "erp,pos"
HEADER = (
    "decision,source_system_1,source_customer_id_1,source_system_2,source_customer_id_2,decided_at,"
    "decided_by,note\n"
)
# What a merge and its undoing leaves behind: the ledger tells of both.
LEDGER = ("marts.customer_id_history",)


def run(home: Path, code: int = 0) -> str:
    outcome = cadencia("run", "--sources", SYSTEMS, home=home)
    assert outcome.returncode == code, outcome.stdout + outcome.stderr
    return outcome.stderr.replace("\n", " ")


def decide(home: Path, name: str, *rows: str) -> None:
    folder = home / "landing" / "steward"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(HEADER + "".join(f"{row}\n" for row in rows))


def marts(home: Path) -> dict[str, list[str]]:
    found = content(home, ("marts",))
    return {table: rows for table, rows in found.items() if table not in LEDGER}


def build(home: Path) -> None:
    """Make a deployment of a shop's customers and their tickets, and run it."""
    market = ("--people", "1000", "--days", "120", "--seed", "3", "--out", str(home / "market"))
    simulated = cadencia("simulate", *market, home=home)
    assert simulated.returncode == 0, simulated.stdout + simulated.stderr
    for system in SYSTEMS.split(","):
        shutil.copytree(home / "market" / system, home / "landing" / system)
    run(home)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_a_steward_and_a_source_that_changes_its_keys(home: Path) -> None:
    """One deployment, for a run costs half a minute: each step starts where the one before ended."""
    build(home)
    before = marts(home)
    merge_and_unmerge(home, before)
    contradict(home)
    change_keys(home, before)


def merge_and_unmerge(base: Path, before: dict[str, list[str]]) -> None:
    (apart, linked, parted) = query(
        base,
        """with buyers as (
            select source_system, source_customer_id, customer_id
            from marts.customer_identities
            where customer_id in (select customer_id from marts.fct_orders group by 1 having count(*) > 1)
                and customer_id in (select customer_id from marts.dim_customers where source_records = 2)
        ), chosen as (
            select erp.source_customer_id as erp_key, pos.source_customer_id as pos_key, erp.customer_id,
                row_number() over (order by erp.source_customer_id) as place
            from buyers as erp inner join buyers as pos using (customer_id)
            where erp.source_system = 'erp' and pos.source_system = 'pos'
        )
        select erp_key, pos_key, customer_id from chosen where place <= 3 order by place""",
    )
    orders = dict(query(base, "select customer_id, count(*) from marts.fct_orders group by 1"))

    decide(
        base,
        "decisions_1.csv",
        f"always_match,erp,{apart[0]},erp,{linked[0]},2026-01-01 10:00:00,ana,the same person",
        f"never_match,erp,{parted[0]},pos,{parted[1]},2026-01-01 10:05:00,ana,father and son",
    )
    run(base)
    ids = dict(
        query(
            base,
            "select source_system || source_customer_id, customer_id from marts.customer_identities "
            "where valid_to is null",
        )
    )
    merged = ids[f"erp{apart[0]}"]
    assert merged == ids[f"erp{linked[0]}"] == ids[f"pos{linked[1]}"]
    assert merged in (apart[2], linked[2])
    assert query(base, f"select count(*) from marts.fct_orders where customer_id = '{merged}'") == [
        (orders[apart[2]] + orders[linked[2]],)
    ]
    assert ids[f"erp{parted[0]}"] != ids[f"pos{parted[1]}"]
    # the tickets go with the card, wherever its record went
    assert query(
        base,
        f"select count(*) from marts.fct_orders where customer_id = '{ids[f'pos{parted[1]}']}'",
    ) == [(orders[parted[2]],)]
    causes = query(
        base,
        "select cause, to_customer_id from marts.customer_id_history where cause like '%steward' order by 1",
    )
    assert [cause for cause, _ in causes] == ["matched_by_steward", "unmerged_by_steward"]
    assert causes[0][1] == merged
    assert "ana" not in str(content(base, ("identity",))["identity.steward_decisions"])
    told = cadencia("identity", "--explain", f"erp:{apart[0]}", f"erp:{linked[0]}", home=base)
    assert told.returncode == 0, told.stderr
    assert "one customer" in told.stdout
    assert "Steward: always_match" in told.stdout
    assert "decisions_1.csv row 1" in told.stdout
    name = query(base, f"select given_name from marts.dim_customers where customer_id = '{merged}'")
    assert name[0][0] not in told.stdout

    decide(
        base,
        "decisions_2.csv",
        f"unmerge,erp,{apart[0]},,,2026-01-02 10:00:00,ana,a mistake",
        f"revoke,erp,{parted[0]},pos,{parted[1]},2026-01-02 10:01:00,ana,the card is his",
        # what the unmerge of the one record parted from the records of its own customer
        f"always_match,erp,{apart[0]},pos,{apart[1]},2026-01-02 10:02:00,ana,",
    )
    run(base)
    restored = marts(base)
    assert [table for table in before if before[table] != restored[table]
            and table not in ("marts.customer_identities",)] == []  # fmt: skip
    same = "select source_system, source_customer_id, customer_id from marts.customer_identities"
    now = {row[:2]: row[2] for row in query(base, same)}
    assert now[("erp", apart[0])] == now[("pos", apart[1])] == apart[2]


def contradict(home: Path) -> None:
    published = (home / "warehouse" / "current").resolve()
    keys = [
        row[0]
        for row in query(
            home,
            "select source_customer_id from marts.customer_identities where source_system = 'erp' "
            "and valid_to is null order by 1 desc limit 3",
        )
    ]
    decide(
        home,
        "decisions_9.csv",
        f"always_match,erp,{keys[0]},erp,{keys[1]},2026-02-01 10:00:00,ana,secret words",
        f"always_match,erp,{keys[1]},erp,{keys[2]},2026-02-01 10:01:00,ana,",
        f"never_match,erp,{keys[0]},erp,{keys[2]},2026-02-01 10:02:00,ana,",
    )
    said = run(home, code=2)
    assert "decisions_9.csv row 3" in said
    assert "decisions_9.csv row 1" in said
    assert "secret words" not in said
    assert (home / "warehouse" / "current").resolve() == published
    (home / "landing" / "steward" / "decisions_9.csv").unlink()


def change_keys(home: Path, before: dict[str, list[str]]) -> None:
    customers = "select customer_id, given_name, source_systems from marts.dim_customers order by 1"
    known = query(home, customers)
    for path in (home / "landing" / "erp").glob("clientes_*.csv"):
        head, *rows = path.read_text(encoding="cp1252").splitlines()
        moved = [head, *(f"9{row}" for row in rows)]
        path.write_text("\r\n".join(moved) + "\r\n", encoding="cp1252")
    run(home)
    keys = query(
        home,
        "select min(source_customer_id) from marts.customer_identities "
        "where source_system = 'erp' and valid_to is null",
    )
    assert keys[0][0].startswith("9")
    assert query(home, customers) == known
    assert content(home, ("marts",))["marts.fct_orders"] == before["marts.fct_orders"]
