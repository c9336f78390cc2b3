"""Whatever is done to the log, its verification finds it: change, removal, insertion, order, end."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.lib.privacy.audit_log import append, log_file
from orchestration.lib.privacy.audit_log_verification import verify

ENTRIES = 7
Damage = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("written")
    for number in range(ENTRIES):
        append(
            home,
            ("publish", "erase", "export")[number % 3],
            {"rows": number, "table": "marts.ñ"},
            now=datetime(2026, 1, 1 + number, tzinfo=UTC),
        )
    return home


@st.composite
def byte_changes(draw: st.DrawFn) -> Damage:
    """Draw: one byte becomes another, goes, or comes in."""
    where, byte = draw(st.floats(0, 0.999999)), draw(st.binary(min_size=1, max_size=1))
    kind = draw(st.sampled_from(["change", "remove", "insert"]))

    def damage(content: bytes) -> bytes:
        at = int(where * len(content))
        kept = content[at:] if kind == "insert" else content[at + 1 :]
        return content[:at] + (b"" if kind == "remove" else byte) + kept

    return damage


@st.composite
def line_changes(draw: st.DrawFn) -> Damage:
    """Draw: a line goes, comes again, moves; the end or the beginning is cut off."""
    kind = draw(st.sampled_from(["remove", "repeat", "move", "cut end", "cut start"]))
    first, second = draw(st.integers(0, ENTRIES - 1)), draw(st.integers(0, ENTRIES - 1))

    def damage(content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        if kind == "remove":
            del lines[first]
        elif kind == "repeat":
            lines.insert(second, lines[first])
        elif kind == "move":
            lines.insert(second, lines.pop(first))
        elif kind == "cut end":
            del lines[first:]
        else:
            del lines[: first + 1]
        return b"".join(lines)

    return damage


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(damage=byte_changes() | line_changes())
def test_every_single_damage_is_found(written: Path, tmp_path: Path, damage: Damage) -> None:
    original = log_file(written).read_bytes()
    damaged = damage(original)
    home = tmp_path / "home"
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(written, home)
    log_file(home).write_bytes(damaged)
    result = verify(home)
    assert result.is_good == (damaged == original)
    if damaged != original:
        assert "ntry " in result.fault
        # What stands before the fault is told to be whole, and is.
        whole = b"".join(original.splitlines(keepends=True)[: result.count])
        assert damaged.startswith(whole[:-1])
    # Nor does going on heal it, but for a missing end of the last line.
    append(home, "publish", {}, now=datetime(2026, 2, 1, tzinfo=UTC))
    assert verify(home).is_good == (damaged in (original, original[:-1]))
