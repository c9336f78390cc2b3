"""`cadencia simulate` and the demo's own market: options, places, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.lib import simulated_market
from orchestration.lib.errors import ConfigurationError
from orchestration.lib.simulated_market import provide_demo
from orchestration.settings import DEMO_SYSTEMS, Settings

OPTIONS = {"people": None, "days": 20, "seed": None, "start": "", "is_continued": False}


def simulate(out: Path, **options: object) -> str:
    console = Console(record=True, width=120)
    simulated_market.simulate(out, **{**OPTIONS, **options}, console=console)
    return console.export_text()


def test_a_market_is_written_told_and_continued(tmp_path: Path) -> None:
    told = simulate(tmp_path, people=300, start="2024-03-01")
    assert "300 people until 2024-03-21" in told
    for system in ("erp", "pos", "ecommerce", "dms", "mailing", "web", "market"):
        assert any((tmp_path / system).iterdir()), system
        assert system in told
    with pytest.raises(ConfigurationError, match="add days to it with --continue"):
        simulate(tmp_path, people=300, start="2024-03-01")
    with pytest.raises(ConfigurationError, match="--people 300, not 400"):
        simulate(tmp_path, people=400, is_continued=True)
    assert "until 2024-03-31" in simulate(tmp_path, days=10, is_continued=True)
    # So few people do not buy every day.
    assert list((tmp_path / "pos").glob("tickets_2024-03-2*.ndjson.gz"))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"people": 5}, "at least 200 people"),
        ({"start": "1/3/2024"}, "Write it as YYYY-MM-DD"),
        ({"is_continued": True}, "no simulated market to continue"),
    ],
)
def test_what_makes_no_market_is_refused(tmp_path: Path, options: dict, sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=sentence) as refusal:
        simulate(tmp_path, **options)
    assert refusal.value.exit_code == 2


def test_the_command_wants_a_folder() -> None:
    result = CliRunner().invoke(app, ["simulate", "--people", "300"])
    assert result.exit_code == 2


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pos").mkdir()
    (tmp_path / "pos" / "tickets_2020-01.ndjson").write_text("{}")
    with pytest.raises(ConfigurationError, match="hold files already"):
        simulate(tmp_path, people=300)


def test_demo_stands_for_the_simulated_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CADENCIA_SOURCES", "cdnow, demo, erp")
    assert Settings().sources == ("cdnow", *DEMO_SYSTEMS)


def test_the_demo_simulates_its_market_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(simulated_market, "DEMO_PEOPLE", 250)
    monkeypatch.setattr(simulated_market, "DEMO_DAYS", 15)
    console = Console(record=True, width=120)
    provide_demo(Settings(home=tmp_path, sources=("erp", "pos")), console)
    assert not (tmp_path / "landing").exists()
    settings = Settings(home=tmp_path, sources=DEMO_SYSTEMS)
    provide_demo(settings, console)
    assert "250 people for 15 days" in console.export_text()
    assert (tmp_path / "simulation" / "truth" / "people.parquet").exists()
    assert not (tmp_path / "landing" / "truth").exists()
    clients = tmp_path / "landing" / "erp" / "clientes_20240115.csv"
    written_at = clients.stat().st_mtime_ns
    provide_demo(settings, console)
    assert clients.stat().st_mtime_ns == written_at


def test_own_files_of_a_demo_system_are_not_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "landing" / "erp"
    folder.mkdir(parents=True)
    (folder / "clientes_20260101.csv").write_text("CODCLI\n")
    provide_demo(Settings(home=tmp_path, sources=DEMO_SYSTEMS), Console(quiet=True))
    assert [path.name for path in folder.iterdir()] == ["clientes_20260101.csv"]
